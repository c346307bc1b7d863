/** Starts the runner of a run, as a process that nobody has to wait for. */
import { fileURLToPath } from 'node:url';
import { spawnInBackground } from '../client/background.js';

/** Of what a runner that does not start has to say. */
const MAX_COMPLAINT_CHARS = 4_096;

/** Resolves with what went wrong, or when it is clear that nothing did: the runner says `ready`, or has ended well. */
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
      complaint = (complaint + text).slice(0, MAX_COMPLAINT_CHARS);
    });
    // it closes its standard error when it has begun
    child.stderr.once('end', () => {
      if (complaint === '') settle(undefined);
    });
    child.once('error', (error) => settle(error.message));
    child.once('close', (status) =>
      settle(status === 0 ? undefined : complaint.trim() || `it ended with status ${status}`),
    );
  });
}
