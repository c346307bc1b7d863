/** Listeners that can be removed, or that are added once. */

/** Adds a listener to an emitter. @returns A function that removes it. */
export function listen(emitter: NodeJS.EventEmitter, event: string, listener: () => void): () => void {
  emitter.on(event, listener);
  return () => emitter.off(event, listener);
}

const absorbed = new WeakSet<NodeJS.EventEmitter>();

/** Ignores errors of a stream: a terminal that was closed reports them at any later time. */
export function absorbErrors(stream: NodeJS.EventEmitter): void {
  if (absorbed.has(stream)) return;
  absorbed.add(stream);
  stream.on('error', () => undefined);
}
