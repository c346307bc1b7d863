/** Runs command lines in the process of a test: the same code, without starting a program. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Console } from 'node:console';
import { Readable, Writable } from 'node:stream';
import { runCommandLine } from '../../src/cli/command-line.js';
import type { Outcome } from './daemon.js';

interface Surroundings {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  env: NodeJS.ProcessEnv;
  /** yargs prints help to it. */
  console: Console;
}

/** Each command line, and what it starts in this process, has its own streams and environment. */
const surroundings = new AsyncLocalStorage<Surroundings>();
for (const name of ['stdin', 'stdout', 'stderr', 'env'] as const) replace(process, name);
replace(globalThis, 'console');

function replace(owner: object, name: keyof Surroundings): void {
  const own = Object.getOwnPropertyDescriptor(owner, name);
  const ofProcess = (): unknown => (own?.get ? own.get.call(owner) : own?.value);
  Object.defineProperty(owner, name, {
    configurable: true,
    enumerable: true,
    get: () => surroundings.getStore()?.[name] ?? ofProcess(),
  });
}

/** Without a terminal, like in a script. Not for commands that read descriptor 0, hold a lock or handle signals. */
export async function invoke(args: readonly string[], env: NodeJS.ProcessEnv, input: string): Promise<Outcome> {
  const [out, err] = [collect(), collect()];
  const own = {
    ...{ stdin: Readable.from([Buffer.from(input)]), stdout: out.stream, stderr: err.stream, env },
    console: new Console(out.stream, err.stream),
  };
  const status = await surroundings.run(own, () => runCommandLine(args, env));
  return { status, stdout: out.text(), stderr: err.text() };
}

function collect() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
