// Many subscribers in one process: counts the events of each.
import { connect } from 'node:net';

const [socketPath, count] = process.argv.slice(2);
const MARK = Buffer.from('{"seq":');
const counts = new Array(Number(count)).fill(0);
let wanted = Infinity;
let askedAt = 0;

/** A mark may be split between two chunks. */
function createCounter(index) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const text = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let from = 0;
    for (let at; (at = text.indexOf(MARK, from)) !== -1; from = at + MARK.length) counts[index]++;
    rest = Buffer.from(text.subarray(Math.max(from, text.length - MARK.length + 1)));
    if (counts[index] >= wanted) finish();
  };
}

function finish() {
  if (!counts.every((seen) => seen >= wanted)) return;
  process.stdout.write(
    `${JSON.stringify({ received: counts.reduce((a, b) => a + b, 0), behind: Date.now() - askedAt })}\n`,
    () => process.exit(0),
  );
}

let subscribed = 0;
for (let index = 0; index < counts.length; index++) {
  const socket = connect(socketPath);
  const take = createCounter(index);
  socket.write('{"op":"subscribe","id":1,"last":0}\n');
  socket.once('data', (first) => {
    const end = first.indexOf('\n') + 1;
    if (++subscribed === counts.length) process.stdout.write('ready\n');
    take(first.subarray(end));
    socket.on('data', take);
  });
}
process.stdin.once('data', (text) => {
  wanted = Number(text);
  askedAt = Date.now();
  finish();
});
