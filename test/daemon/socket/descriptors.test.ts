import t from 'tap';
import { placesWithin } from '../../../src/daemon/socket/descriptors.js';
import { maxDescriptors } from '../../../src/platform/processes.js';

t.test('all connections together leave descriptors for files', (t) => {
  for (const limit of [256, 1_024, 4_096, 65_536]) {
    const { socket, http } = placesWithin(limit);
    t.ok(socket + 2 * http <= limit - 96, `${limit}: ${socket} and twice ${http}`);
    t.ok(socket >= 2 * http, 'half are for the socket');
  }
  t.strictSame(placesWithin(Infinity), { socket: Infinity, http: Infinity });
  t.ok(maxDescriptors() > 0);
  t.end();
});
