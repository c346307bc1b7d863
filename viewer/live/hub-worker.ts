/** Entry point of the shared worker that runs the hub. */
import { Hub } from './hub.js';
import type { Member } from './hub.js';
import type { ToHub } from './hub-messages.js';

const hub = new Hub();

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  const member: Member = { send: (message) => port.postMessage(message) };
  const take = hub.join(member);
  port.onmessage = ({ data }: MessageEvent<ToHub>) => {
    take(data);
    // a worker is not notified when a page closes, but the lock that the page holds is released then
    if (data.kind === 'join') void navigator.locks.request(data.lock, () => hub.leave(member));
  };
});
