// Runs one part in a process, directory and environment of its own, and removes all of it afterwards.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const KILL_DEADLINE_MS = 10_000;

/** Variables that would connect a part with the user's daemon, agents or desktop, or change what Node does. */
const FOREIGN = new Set([
  ...['CI', 'NODE_OPTIONS', 'NODE_V8_COVERAGE', 'DBUS_SESSION_BUS_ADDRESS', 'ZDOTDIR'],
  ...['XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME', 'CLAUDE_CONFIG_DIR', 'CODEX_HOME', 'GEMINI_CLI_HOME'],
]);

/**
 * Runs one part: the script of this process again, with `BENCH_PART` set.
 * @param product Root of the checkout that is measured.
 * @param interrupted Promise that resolves with the name of a signal to end everything.
 * @returns { figures, missing, error, signal }: `error` says why the part failed, `signal` what interrupted it.
 */
export async function runPart(name, { product, quick, deadlineMs, interrupted }) {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-bench-'));
  const outcome = { figures: [], missing: [], error: undefined, signal: undefined };
  const child = spawn(process.execPath, [process.argv[1]], {
    env: privateEnvironment(directory, { BENCH_PART: name, BENCH_PRODUCT: product, BENCH_QUICK: quick ? '1' : '' }),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // a group of its own: Ctrl-C reaches this process alone, which then ends the part
    detached: true,
  });
  let deadline;
  const timedOut = new Promise((resolve) => {
    deadline = setTimeout(() => resolve({ error: `timed out after ${deadlineMs / 1_000} s` }), deadlineMs);
  });
  try {
    const end = await Promise.race([endOf(child, outcome), timedOut, interrupted.then((signal) => ({ signal }))]);
    Object.assign(outcome, end);
  } finally {
    clearTimeout(deadline);
    await endProcesses(directory, child.pid);
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
  return outcome;
}

/** Collects what the part reports; resolves with its error, if any, when it has ended. */
async function endOf(child, outcome) {
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`)));
  return await new Promise((resolve) => {
    child.on('message', ({ figure, missing, done, error }) => {
      if (figure) outcome.figures.push(figure);
      if (missing) outcome.missing.push(missing);
      if (done) resolve({});
      if (error !== undefined) resolve({ error });
    });
    // comes after all messages, also when the process has crashed
    child.once('disconnect', () => void exited.then((how) => resolve({ error: `ended early with ${how}` })));
  });
}

/** Runs a part inside its process. */
export async function runInside(part) {
  // the supervisor was killed, so nobody else can do it
  process.once('disconnect', () => {
    void endProcesses(tmpdir(), process.pid).then(() => {
      rmSync(tmpdir(), { recursive: true, force: true });
      process.exit(1);
    });
  });
  try {
    await part.run();
    process.send({ done: true });
  } catch (error) {
    console.error(error);
    process.send({ error: String(error?.message ?? error) });
  }
}

function privateEnvironment(directory, added) {
  const home = path.join(directory, 'home');
  mkdirSync(home);
  const inherited = Object.entries(process.env).filter(
    ([name]) => !FOREIGN.has(name) && (!name.startsWith('PROGRESS_') || name === 'PROGRESS_LONG'),
  );
  return { ...Object.fromEntries(inherited), ...added, HOME: home, TMPDIR: directory, DBUS_SESSION_BUS_ADDRESS: '' };
}

/** Kills all processes of a part until none is left: those that it has detached too, except the calling process. */
async function endProcesses(directory, root) {
  for (const deadline = performance.now() + KILL_DEADLINE_MS; ; await delay(20)) {
    const pids = processesOf(directory, root);
    if (pids.length === 0) return;
    if (performance.now() > deadline) throw new Error(`cannot end the processes ${pids.join(', ')} of a benchmark`);
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    }
  }
}

/** PIDs of a process, its descendants, and every process whose temporary directory is this one. */
function processesOf(directory, root) {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ');
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
  const found = new Set(processes.filter(({ pid }) => pid === root || isIn(directory, pid)).map(({ pid }) => pid));
  for (let size = 0; size < found.size;) {
    size = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  found.delete(process.pid);
  return [...found];
}

function isIn(directory, pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`TMPDIR=${directory}`);
  } catch {
    return false; // it has ended, or belongs to another user
  }
}
