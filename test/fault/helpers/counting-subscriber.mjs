// A subscriber in a process of its own, so that it can be stopped: counts what it gets, says so at the end.
import { createConnection } from 'node:net';

const [path, after, until] = process.argv.slice(2);
const socket = createConnection({ path });
let rest = '';
let count = 0;
let disorder = 0;
let last = Number(after);
socket.write(`${JSON.stringify({ op: 'subscribe', id: 1, after: last })}\n`);
socket.setEncoding('utf8').on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    for (const { seq, data } of JSON.parse(line).events ?? []) {
      if (seq <= last) disorder++;
      last = seq;
      count++;
      if (count === 1) process.stdout.write('first\n');
      if (data.message !== until) continue;
      process.stdout.write(`${JSON.stringify({ count, disorder })}\n`);
      process.exit(0);
    }
  }
});
