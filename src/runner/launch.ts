/** Starts the runner of a run as a background process. */
import { fileURLToPath } from 'node:url';
import { spawnInBackground } from '../platform/spawn-background.js';

/** Maximum length of the error output of a runner that fails to start. */
const MAX_COMPLAINT_CHARS = 4_096;

/** Text that a runner writes to standard error when it has started, before it closes it. */
export const READY = 'ready\n';

/** Starts a runner. @returns The error, or undefined when the runner is ready or has ended with status 0. */
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
    // a runner that is killed closes the stream as well, without this text
    child.stderr.once('end', () => {
      if (complaint.endsWith(READY)) settle(undefined);
    });
    child.once('error', (error) => settle(startFailure(error.message)));
    child.once('close', (status, signal) => {
      const end = signal ? `ended by ${signal}` : `exited with status ${status}`;
      settle(status === 0 ? undefined : startFailure(complaint.trim() || end));
    });
  });
}

function startFailure(reason: string): string {
  return `the runner did not start: ${reason}`;
}
