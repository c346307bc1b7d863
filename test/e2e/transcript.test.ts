import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { createHome, ROOT } from '../helpers/daemon.js';
import { matchesPattern, parsePattern, readTranscript } from '../helpers/transcript.js';
import { waitFor } from '../helpers/wait.js';

t.test('a real daemon answers like the transcript in progress-protocol(7)', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const socket = createConnection({ path: home.paths.socket });
  t.teardown(() => socket.destroy());
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));

  const bindings = new Map<string, unknown>();
  for (const { from, text } of readTranscript(readFileSync(path.join(ROOT, 'man/progress-protocol.7'), 'utf8'))) {
    if (from === 'client') {
      socket.write(`${text}\n`);
      continue;
    }
    const end = await waitFor(`an answer like ${text}`, () => received.includes('\n') && received.indexOf('\n') + 1);
    const line = received.slice(0, end);
    received = received.slice(end);
    t.ok(matchesPattern(parsePattern(text), JSON.parse(line), bindings), `${text} is answered by ${line}`);
  }
  t.equal(received, '', 'nothing else was said');
});
