/** Address of the viewer. Reads its port from the file that the daemon keeps while a user has turned the viewer on. */
import { readTextSync } from './regular-file.js';

/** The viewer listens on this address only. */
export const WEB_HOST = '127.0.0.1';

/** @param file - `Paths.web` */
export function readWebPort(file: string): number | undefined {
  try {
    const { port } = JSON.parse(readTextSync(file) ?? '{}') as { port?: unknown };
    return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  } catch {
    return undefined; // the viewer was off, or another program wrote the file
  }
}
