/** How much of a run's output is kept. Reading a configuration takes as long as many a command, so only where there is one. */
import { existsSync } from 'node:fs';
import type { Paths } from '../platform/paths.js';

const OUTPUT_LIMIT = 64 * 1024 * 1024;

/** Bytes. A configuration that is wrong is the daemon's to complain of: a run must not fail for it. */
export async function outputLimitOf({ config }: Pick<Paths, 'config'>): Promise<number> {
  if (!existsSync(config)) return OUTPUT_LIMIT;
  const { loadConfig } = await import('../config/load.js');
  try {
    return loadConfig(config).runs.outputLimit;
  } catch {
    return OUTPUT_LIMIT;
  }
}
