/** Parses server-sent events from text that arrives in arbitrary pieces. */

export interface Message {
  id: string;
  event: string;
  data: string;
}

export class MessageParser {
  readonly #onMessage: (message: Message) => void;
  /** The incomplete last line. */
  #rest = '';
  #message: Message = { id: '', event: '', data: '' };

  constructor(onMessage: (message: Message) => void) {
    this.#onMessage = onMessage;
  }

  /** Takes the next piece of text. */
  push(text: string): void {
    this.#rest += text;
    const end = this.#rest.lastIndexOf('\n');
    if (end === -1) return;
    const lines = this.#rest.slice(0, end).split('\n');
    this.#rest = this.#rest.slice(end + 1);
    for (const line of lines) this.#takeLine(line);
  }

  #takeLine(line: string): void {
    const message = this.#message;
    if (line === '') {
      if (message.event !== '') this.#onMessage(message);
      this.#message = { id: message.id, event: '', data: '' };
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id' || field === 'event') message[field] = value;
    else if (field === 'data') message.data += value;
  }
}
