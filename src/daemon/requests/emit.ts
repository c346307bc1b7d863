/** The request `emit`. Writes one event and replies when it is written, or synced. */
import type { Replies } from '../../api/messages.js';
import { toNewEvent } from '../../protocol/validate.js';
import type { PlainHandler } from './request-context.js';

export const handleEmit: PlainHandler<'emit'> = async (request, { producer }, { journal }) => {
  const event = producer.admit(toNewEvent(request.event));
  const reply = await new Promise<Replies['emit']>((resolve, reject) => {
    const origin = producer.originOf({
      written: ({ seq, execution }) => resolve({ seq, ...(execution !== undefined && { execution }) }),
      duplicate: () => resolve({ seq: null, duplicate: true }),
      refused: (_event, error) => reject(error),
    });
    producer.submit(event, JSON.stringify(event.data).length, origin);
  });
  if (request.synced) await journal.sync();
  return reply;
};
