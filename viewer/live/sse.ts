/** Server-sent events out of text that may be cut anywhere. */

export interface Message {
  id: string;
  event: string;
  data: string;
}

/** Returns a function that takes the next piece of text. */
export function createMessageReader(onMessage: (message: Message) => void): (text: string) => void {
  let rest = '';
  let message = { id: '', event: '', data: '' };
  const takeLine = (line: string) => {
    if (line === '') {
      if (message.event !== '') onMessage(message);
      message = { id: message.id, event: '', data: '' };
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id' || field === 'event') message[field] = value;
    else if (field === 'data') message.data += value;
  };
  return (text) => {
    rest += text;
    const end = rest.lastIndexOf('\n');
    if (end === -1) return;
    const lines = rest.slice(0, end).split('\n');
    rest = rest.slice(end + 1);
    lines.forEach(takeLine);
  };
}
