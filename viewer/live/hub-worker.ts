/** The hub as a shared worker: one for all pages of this browser. */
import { createHub } from './hub.js';
import type { Member } from './hub.js';
import type { ToHub } from './wire.js';

const hub = createHub();

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  const member: Member = { send: (message) => port.postMessage(message) };
  const take = hub.join(member);
  port.onmessage = ({ data }: MessageEvent<ToHub>) => {
    take(data);
    // a worker is not told when a page goes; the lock that the page holds becomes free then
    if (data.kind === 'join') void navigator.locks.request(data.lock, () => hub.leave(member));
  };
});
