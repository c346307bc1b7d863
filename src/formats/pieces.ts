/** Splits output into pieces at newlines, carriage returns and terminators of OSC sequences. */

export interface Pieces {
  push(chunk: Buffer, now: number): void;
  /** Passes on the rest after the last separator. */
  end(): void;
}

/** Maximum length of a piece; longer ones are skipped. */
const MAX_BYTES = 64 * 1024;
const [BEL, NEWLINE, RETURN, ESC, BACKSLASH] = [0x07, 0x0a, 0x0d, 0x1b, 0x5c];
const END = /[\r\n\u0007]|\u001b\\/;

/**
 * Creates a splitter. Separators and empty pieces are not passed on.
 *
 * @param isWanted Pre-filter on the bytes of many pieces at once, since most output contains no events.
 */
export function createPieces(
  onPiece: (text: string, now: number) => void,
  isWanted: (bytes: Buffer) => boolean = () => true,
): Pieces {
  let carry: Buffer[] = [];
  let bytes = 0;
  let lastNow = 0;

  const keep = (rest: Buffer) => {
    bytes += rest.length;
    if (bytes > MAX_BYTES) carry = [];
    // a copy, so that it does not retain the chunk
    else if (rest.length > 0) carry.push(Buffer.from(rest));
  };

  return {
    push(chunk, now) {
      lastNow = now;
      // ESC and its backslash may be in different chunks
      const isCutEnd = chunk[0] === BACKSLASH && carry.at(-1)?.at(-1) === ESC;
      const end = Math.max(lastEnd(chunk), isCutEnd ? 1 : 0);
      if (end === 0) return keep(chunk);
      const isTooLong = bytes > MAX_BYTES;
      const region = chunk.subarray(0, end);
      const whole = carry.length > 0 ? Buffer.concat([...carry, region]) : region;
      carry = [];
      bytes = 0;
      const pieces = isWanted(whole) ? whole.toString('utf8').split(hasLinesOnly(whole) ? '\n' : END) : [];
      for (let at = isTooLong ? 1 : 0; at < pieces.length; at++) {
        const piece = pieces[at];
        if (piece !== undefined && piece !== '' && piece.length <= MAX_BYTES) onPiece(piece, now);
      }
      keep(chunk.subarray(end));
    },
    end() {
      if (carry.length > 0) onPiece(Buffer.concat(carry).toString('utf8'), lastNow);
      carry = [];
      bytes = 0;
    },
  };
}

/** Whether newlines are the only separators, where splitting is several times faster. */
function hasLinesOnly(bytes: Buffer): boolean {
  return !bytes.includes(RETURN) && !bytes.includes(BEL) && !bytes.includes(ESC);
}

/** Returns the offset after the last separator, or 0. */
function lastEnd(chunk: Buffer): number {
  let end = Math.max(chunk.lastIndexOf(NEWLINE), chunk.lastIndexOf(RETURN), chunk.lastIndexOf(BEL)) + 1;
  for (let at = chunk.lastIndexOf(BACKSLASH); at >= end && at > 0; at = chunk.lastIndexOf(BACKSLASH, at - 1)) {
    if (chunk[at - 1] === ESC) end = at + 1;
  }
  return end;
}
