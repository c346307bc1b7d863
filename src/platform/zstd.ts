/** Reads files that agents compress with Zstandard. */
import { readFileSync } from 'node:fs';
import { Decompress } from 'fzstd';

/** What the name of such a file ends with. */
export const ZSTD_SUFFIX = '.zst';

/**
 * The contents of an open file, decompressed when its name says that it is compressed.
 * @throws RangeError when there are more than `maxBytes`, and an error for damaged contents.
 */
export function readWhole(descriptor: number, file: string, maxBytes: number): Buffer {
  const bytes = readFileSync(descriptor);
  return file.endsWith(ZSTD_SUFFIX) ? decompress(bytes, maxBytes) : bytes;
}

function decompress(bytes: Buffer, maxBytes: number): Buffer {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stream = new Decompress((chunk) => {
    size += chunk.length;
    if (size > maxBytes) throw new RangeError(`it is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  });
  stream.push(bytes, true);
  return Buffer.concat(chunks);
}
