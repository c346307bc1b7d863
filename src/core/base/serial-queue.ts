/** Runs asynchronous tasks one at a time, in order. A failure rejects for the caller of the task only. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined); // the caller has the error
    return done;
  }

  /** Resolves when every task so far has settled. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
