/** The bound on what is kept of one run's output: its first part, and its last. */
import { formatBytes, formatQuantity } from '../core/format.js';
import type { OutputPiece } from './output.js';
import { PIECE_BYTES } from './output.js';

export interface OutputLimit {
  take(piece: OutputPiece): void;
  /** The last part, with a word about what is missing before it. */
  end(): void;
}

export interface OutputLimitOptions {
  /** Bytes, both streams together. */
  bytes: number;
  keep: (piece: OutputPiece) => void;
  /** Tells in the log, once when the first part is full, and once what was left out. */
  mark: (text: string) => void;
}

/** It waits in memory until the run ends. */
const MAX_LAST_BYTES = 8 * 1024 * 1024;

export function createOutputLimit({ bytes, keep, mark }: OutputLimitOptions): OutputLimit {
  const lastBytes = Math.min(MAX_LAST_BYTES, Math.floor(bytes / 4));
  const firstBytes = bytes - lastBytes;
  let kept = 0;
  /** A ring: from `head` on. */
  let ring: OutputPiece[] = [];
  let head = 0;
  let ringBytes = 0;
  let leftOut = { bytes: 0, lines: 0 };

  /** Memory of large pieces that have left: output may come by the gigabyte. */
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
          `[${formatBytes(kept)} of output are kept so far; of what follows the last ${formatBytes(lastBytes)}, when it ends]`,
        );
      }
      ring.push({ ...piece, content: copyOf(piece.content) });
      ringBytes += size;
      // a piece may be larger than all that is to be kept: the newest stays
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
      if (missing > 0) mark(`[${formatBytes(missing)} of output left out here: ${formatQuantity(lines, 'line')}]`);
      for (const piece of ring.slice(head)) keep(piece);
      ring = [];
      head = 0;
      ringBytes = 0;
    },
  };
}
