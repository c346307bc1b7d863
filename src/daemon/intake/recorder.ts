/** Records the daemon's own observations as events. Those that come before intake is open are buffered. */
import type { NewEvent } from '../../core/events/event.js';
import type { Intake, Producer } from './intake.js';

/**
 * Records an event.
 *
 * @param onSettled called when the event is in the state, was written before, or could not be written
 */
export type RecordEvent = (event: NewEvent, onSettled?: () => void) => void;

export class OwnEventRecorder {
  #buffered: { event: NewEvent; onSettled: () => void }[] = [];
  #producer: Producer | undefined;

  readonly record: RecordEvent = (event, onSettled = () => undefined) => {
    if (this.#producer) this.#submit(this.#producer, event, onSettled);
    else this.#buffered.push({ event, onSettled });
  };

  /** Records what is buffered, and from now on without a buffer. */
  open(intake: Intake): void {
    const producer = intake.producer('daemon');
    this.#producer = producer;
    for (const { event, onSettled } of this.#buffered) this.#submit(producer, event, onSettled);
    this.#buffered = [];
  }

  #submit(producer: Producer, event: NewEvent, onSettled: () => void): void {
    const origin = producer.originOf({ written: onSettled, duplicate: onSettled, refused: onSettled });
    producer.submit(event, JSON.stringify(event.data).length, origin);
  }
}
