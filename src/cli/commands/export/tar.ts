/** Tar archive (POSIX.1-1988, ustar) as a stream. The size of each file must be known before its contents. */
import { ProgressError } from '../../../core/base/errors.js';

export interface TarEntry {
  /** ASCII, at most 100 characters. */
  name: string;
  /** Exact size of the contents in bytes. */
  size: number;
  contents: () => AsyncIterable<Buffer | string> | Iterable<Buffer | string>;
}

const BLOCK = 512;
const NAME_BYTES = 100;
/** Eleven octal digits. */
const MAX_SIZE = 8 ** 11 - 1;

/** @param modified - Unix milliseconds, for all entries. @throws when contents do not have their announced size */
export async function* tarOf(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
  modified: number,
): AsyncGenerator<Buffer> {
  for await (const { name, size, contents } of entries) {
    yield headerOf(name, size, modified);
    let written = 0;
    for await (const chunk of contents()) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      written += bytes.length;
      yield bytes;
    }
    if (written !== size)
      throw new ProgressError(
        'journal_failed',
        `the journal changed during the export: ${name} has ${written} bytes, not ${size}; try again`,
      );
    yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function headerOf(name: string, size: number, modified: number): Buffer {
  if (Buffer.byteLength(name) > NAME_BYTES) throw new ProgressError('internal', `${name} is too long for an archive`);
  if (size > MAX_SIZE)
    throw new ProgressError('too_long', `${name} has ${size} bytes: an archive holds files of less than 8 GiB`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => `${Math.floor(value).toString(8).padStart(digits, '0')}\0`;
  header.write(name, 0);
  header.write(octal(0o600, 7), 100);
  header.write(octal(0, 7), 108); // owner
  header.write(octal(0, 7), 116); // and group
  header.write(octal(size, 11), 124);
  header.write(octal(modified / 1_000, 11), 136);
  header.write(' '.repeat(8), 148); // the checksum counts itself as spaces
  header.write('0', 156); // a file
  header.write('ustar\0' + '00', 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
