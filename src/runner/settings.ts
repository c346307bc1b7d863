/**
 * Limit of recorded output. Loads the configuration only if there is one, since that takes as long as many commands.
 */
import { existsSync } from 'node:fs';
import type { Paths } from '../platform/paths.js';

const OUTPUT_LIMIT = 64 * 1024 * 1024;

/**
 * @returns Bytes; the default if the configuration is invalid, which the daemon reports: a run must not fail for it.
 */
export async function outputLimitOf({ config }: Pick<Paths, 'config'>): Promise<number> {
  if (!existsSync(config)) return OUTPUT_LIMIT;
  const { loadConfig } = await import('../config/load.js');
  try {
    return loadConfig(config).runs.outputLimit;
  } catch {
    return OUTPUT_LIMIT;
  }
}
