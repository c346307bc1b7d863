/** The bound on what is kept of one run's output: its first part, and its last. */
import { formatBytes, formatCount } from '../core/format.js';
import type { Piece } from './output.js';
import { countNewlines } from './output.js';

export interface Limit {
  take(piece: Piece): void;
  /** The last part, with a word about what is missing before it. */
  end(): void;
}

export interface LimitOptions {
  /** Bytes, both streams together. */
  bytes: number;
  keep: (piece: Piece) => void;
  /** Tells in the log, once when the first part is full, and once what was left out. */
  mark: (text: string) => void;
}

/** It waits in memory until the run ends. */
const MAX_LAST_BYTES = 8 * 1024 * 1024;

export function createLimit({ bytes, keep, mark }: LimitOptions): Limit {
  const lastBytes = Math.min(MAX_LAST_BYTES, Math.floor(bytes / 4));
  const firstBytes = bytes - lastBytes;
  let kept = 0;
  /** A ring: from `head` on. */
  let ring: Piece[] = [];
  let head = 0;
  let ringBytes = 0;
  let leftOut = { bytes: 0, lines: 0 };

  const leave = ({ content, part }: Piece) => {
    leftOut = { bytes: leftOut.bytes + content.length, lines: leftOut.lines + countNewlines(content) + (part ? 0 : 1) };
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
      ring.push(piece);
      ringBytes += size;
      for (let oldest; ringBytes > lastBytes && (oldest = ring[head]);) {
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
      if (leftOut.bytes > 0)
        mark(`[${formatBytes(leftOut.bytes)} of output left out here: ${formatCount(leftOut.lines)} lines]`);
      for (const piece of ring.slice(head)) keep(piece);
      ring = [];
      head = 0;
      ringBytes = 0;
    },
  };
}
