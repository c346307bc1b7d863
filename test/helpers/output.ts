/** Collects the output of a started program until it ends. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface CollectedOutput {
  child: ChildProcess;
  /** So far, as UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
  /** The bytes of stdout so far. */
  readonly bytes: Buffer;
  /** Settles when the program has ended and its output is complete. */
  ended: Promise<{ status: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

/** Streams that are not pipes stay empty. */
export function collectOutput(child: ChildProcess): CollectedOutput {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk: Buffer) => chunks[name].push(chunk));
  const textOf = (name: keyof typeof chunks) => Buffer.concat(chunks[name]).toString();
  return {
    child,
    get stdout() {
      return textOf('stdout');
    },
    get stderr() {
      return textOf('stderr');
    },
    get bytes() {
      return Buffer.concat(chunks.stdout);
    },
    ended: once(child, 'close').then(([status, signal]) => ({
      status: status as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: textOf('stdout'),
      stderr: textOf('stderr'),
    })),
  };
}
