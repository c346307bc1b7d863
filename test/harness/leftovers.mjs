// Finds processes that outlive the test file that started them. Each carries two variables of that file's process:
// TEST_RUN (this run of the suite) and TEST_FILE. Linux only: elsewhere none is found.
import { readFileSync, readdirSync } from 'node:fs';

/** Every process of a run: `{ pid, command, test }`, `test` being the name of the test file. */
export function processesOf(run) {
  return pids().flatMap((pid) => {
    const environment = read(`/proc/${pid}/environ`).split('\0');
    if (!environment.includes(`TEST_RUN=${run}`)) return [];
    const test = environment.find((pair) => pair.startsWith('TEST_FILE='))?.slice('TEST_FILE='.length);
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    return [{ pid, command, test }];
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

function pids() {
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
