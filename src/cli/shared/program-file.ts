/** The bundled command line, to start it again as another process. */
import { fileURLToPath } from 'node:url';

export const PROGRAM_FILE = fileURLToPath(new URL('cli.js', import.meta.url));
