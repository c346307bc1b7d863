/** Files of the viewer, read once into memory together with the compressed copies that the build made. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../core/base/errors.js';

export interface Asset {
  type: string;
  body: Buffer;
  /** Compressed bodies by encoding. */
  encoded: Readonly<Partial<Record<Encoding, Buffer>>>;
}

export type Encoding = 'br' | 'gzip';
/** In order of preference. */
export const ENCODINGS: readonly Encoding[] = ['br', 'gzip'];

const SUFFIXES: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz' };
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

/** Reads the files of one directory, by name. Nothing outside of it can be served. */
export function loadAssets(directory: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const name of namesIn(directory)) {
    const type = TYPES[path.extname(name)];
    if (type === undefined) continue;
    const encoded: Partial<Record<Encoding, Buffer>> = {};
    for (const encoding of ENCODINGS) {
      const twin = name + SUFFIXES[encoding];
      if (namesIn(directory).includes(twin)) encoded[encoding] = readFileSync(path.join(directory, twin));
    }
    assets.set(name, { type, body: readFileSync(path.join(directory, name)), encoded });
  }
  return assets;
}

/** The build ID in the page of the viewer. */
export function buildOf(assets: ReadonlyMap<string, Asset>): string | undefined {
  const html = assets.get('index.html')?.body.toString() ?? '';
  return /<meta name="build" content="(\w+)"/.exec(html)?.[1];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []; // a source checkout that was not built
    throw error;
  }
}
