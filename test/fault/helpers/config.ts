/** A configuration file in a private home. */
import { writeFileSync } from 'node:fs';
import type { Home } from '../../helpers/daemon.js';

/** The smallest segments, so that every test includes rotation and compression. */
export const SMALL_SEGMENTS = { journal: { segmentSize: '64KiB' } };

export function configure(home: Home, config: Record<string, Record<string, string | number | boolean>>): void {
  // JSON is YAML
  writeFileSync(home.paths.config, JSON.stringify(config));
}
