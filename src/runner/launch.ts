/** Starts the runner of a run, as a process that nobody has to wait for. */
import { fileURLToPath } from 'node:url';
import { spawnInBackground } from '../platform/spawn-background.js';

/** Of what a runner that does not start has to say. */
const MAX_COMPLAINT_CHARS = 4_096;

/** What a runner says on its standard error when it has begun, before it closes that. */
export const READY = 'ready\n';

/** Resolves with what went wrong, or when it is clear that nothing did: the runner is ready, or has ended well. */
export async function launchRunner(id: string): Promise<string | undefined> {
  const program = fileURLToPath(new URL('./runner.js', import.meta.url));
  const child = spawnInBackground(program, [id]);
  let complaint = '';
  return await new Promise((resolve) => {
    const settle = (outcome: string | undefined) => {
      child.stderr.destroy();
      child.unref();
      resolve(outcome);
    };
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-MAX_COMPLAINT_CHARS);
    });
    // one that is killed closes it, too, and has not begun
    child.stderr.once('end', () => {
      if (complaint.endsWith(READY)) settle(undefined);
    });
    child.once('error', (error) => settle(error.message));
    child.once('close', (status, signal) => {
      const end = signal ? `${signal} ended it` : `it ended with status ${status}`;
      settle(status === 0 ? undefined : complaint.trim() || end);
    });
  });
}
