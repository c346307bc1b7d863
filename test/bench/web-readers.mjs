// Many HTTP streams in one process: counts the events of all, and ends at the number that it reads from its input.
import { request } from 'node:http';

const [target, count, marker] = [JSON.parse(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const DEADLINE_MS = 60_000;
// an event of progress begins with its seq, one of nchan holds a message
const pattern = marker === 'seq' ? /\{"seq":/g : new RegExp(marker, 'g');
let received = 0;
let expected = Infinity;

const finish = () => {
  process.stdout.write(`${JSON.stringify({ received })}\n`);
  process.exit(0);
};

await Promise.all(
  Array.from(
    { length: count },
    () =>
      new Promise((resolve, reject) => {
        const asking = request({ ...target, agent: false, headers: { Accept: 'text/event-stream' } }, (response) => {
          let rest = '';
          response.setEncoding('latin1').on('data', (text) => {
            // a line that is cut counts with the next chunk
            const all = rest + text;
            const end = all.lastIndexOf('\n') + 1;
            rest = all.slice(end);
            received += all.slice(0, end).match(pattern)?.length ?? 0;
            if (received >= expected) finish();
          });
          resolve();
        });
        asking.on('error', reject).end();
      }),
  ),
);
process.stdout.write('open\n');
let number = '';
for await (const chunk of process.stdin) number += chunk;
expected = Number(number);
if (received >= expected) finish();
setTimeout(finish, DEADLINE_MS);
