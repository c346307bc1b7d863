/** The request `emit`. Writes one event and replies when it is written, or synced. */
import { splitEvent } from '../../protocol/encode.js';
import type { Replies } from '../../api/messages.js';
import { toNewEvent } from '../../protocol/validate.js';
import type { PlainHandler } from './request-context.js';

export const handleEmit: PlainHandler<'emit'> = async (request, { order, entrance }, { ingest, admit, journal }) => {
  const event = admit(toNewEvent(request.event));
  const reply = await new Promise<Replies['emit']>((resolve, reject) => {
    ingest.submitParts(splitEvent(event), JSON.stringify(event.data).length, {
      entrance,
      written: ({ seq, execution }) => resolve({ seq, ...(execution !== undefined && { execution }) }),
      duplicate: () => resolve({ seq: null, duplicate: true }),
      refusal: order.refusal,
      refused(refused, error) {
        order.refused(refused, error);
        reject(error);
      },
    });
  });
  if (request.synced) await journal.sync();
  return reply;
};
