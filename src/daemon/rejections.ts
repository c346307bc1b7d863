/** Counts refused lines, requests and connections by error code, for the daemon's status. */
export class Rejections {
  readonly counts: Record<string, number> = {};

  readonly count = (code: string): void => {
    this.counts[code] = (this.counts[code] ?? 0) + 1;
  };
}
