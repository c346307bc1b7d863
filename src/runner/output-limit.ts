/** Limits the recorded output of a run to its first and its last part. */
import { formatBytes, formatQuantity } from '../core/text/format.js';
import type { OutputPiece } from './output.js';
import { PIECE_BYTES } from './output.js';

export interface OutputLimit {
  take(piece: OutputPiece): void;
  /** Records the last part, after a note of how much is missing before it. */
  end(): void;
}

export interface OutputLimitOptions {
  /** Limit in bytes for both streams together. */
  bytes: number;
  keep: (piece: OutputPiece) => void;
  /** Records a note: once when the first part is full, and once about the missing part. */
  mark: (text: string) => void;
}

/** Maximum size of the last part, which is in memory until the run ends. */
const MAX_LAST_BYTES = 8 * 1024 * 1024;

export function createOutputLimit({ bytes, keep, mark }: OutputLimitOptions): OutputLimit {
  const lastBytes = Math.min(MAX_LAST_BYTES, Math.floor(bytes / 4));
  const firstBytes = bytes - lastBytes;
  let kept = 0;
  /** Ring buffer that starts at `head`. */
  let ring: OutputPiece[] = [];
  let head = 0;
  let ringBytes = 0;
  let leftOut = { bytes: 0, lines: 0 };

  /** Buffers of evicted pieces, reused because output may be gigabytes. */
  const free: Buffer[] = [];

  const copyOf = (content: Buffer): Buffer => {
    if (content.length < PIECE_BYTES / 2) return Buffer.from(content);
    const room = free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    return room.subarray(0, content.copy(room));
  };

  const leave = ({ content, newlines, part }: OutputPiece) => {
    leftOut = { bytes: leftOut.bytes + content.length, lines: leftOut.lines + newlines + (part ? 0 : 1) };
    if (content.length >= PIECE_BYTES / 2) free.push(Buffer.from(content.buffer));
  };

  return {
    take(piece) {
      const size = piece.content.length;
      if (kept + size <= firstBytes && ringBytes === 0) {
        kept += size;
        return keep(piece);
      }
      if (ringBytes === 0 && leftOut.bytes === 0) {
        mark(
          `[output limit: after ${formatBytes(kept)} only the last ${formatBytes(lastBytes)} is recorded, when the run ends]`,
        );
      }
      ring.push({ ...piece, content: copyOf(piece.content) });
      ringBytes += size;
      // a piece may exceed the limit: the newest always stays
      for (let oldest; (oldest = ring[head]) && ringBytes - oldest.content.length >= lastBytes;) {
        leave(oldest);
        ringBytes -= oldest.content.length;
        head++;
      }
      if (head * 2 > ring.length) {
        ring = ring.slice(head);
        head = 0;
      }
    },
    end() {
      const { bytes: missing, lines } = leftOut;
      if (missing > 0) mark(`[${formatBytes(missing)} of output omitted here: ${formatQuantity(lines, 'line')}]`);
      for (const piece of ring.slice(head)) keep(piece);
      ring = [];
      head = 0;
      ringBytes = 0;
    },
  };
}
