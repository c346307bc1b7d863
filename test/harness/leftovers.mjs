// Finds processes that outlive the test file that started them. Each carries two variables of its test process:
// TEST_RUN (this run of the suite) and TEST_PROCESS (the process id of the test file). Linux only: elsewhere none is
// found.
import { readFileSync, readdirSync } from 'node:fs';

/** Processes of this run whose test file has ended: `{ pid, command, test }`, `test` being the process id of the file. */
export function findLeftovers(run) {
  return processesOf(run).filter(({ pid, test }) => test !== undefined && pid !== test && !isAlive(test));
}

/** Every process of this run. */
export function processesOf(run) {
  return pidsOfAll().flatMap((pid) => {
    const environment = read(`/proc/${pid}/environ`).split('\0');
    if (!environment.includes(`TEST_RUN=${run}`)) return [];
    const test = environment.find((pair) => pair.startsWith('TEST_PROCESS='))?.slice('TEST_PROCESS='.length);
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    return [{ pid, command, test: test === undefined ? undefined : Number(test) }];
  });
}

/** Ends them with SIGKILL. */
export function killAll(processes) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has just ended
    }
  }
}

function pidsOfAll() {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Nothing where the file cannot be read: of another user, or of a process that has just ended. */
function read(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function isAlive(pid) {
  // a zombie has ended
  return /^\d+ \(.*\) [^ZX]/s.test(read(`/proc/${pid}/stat`));
}
