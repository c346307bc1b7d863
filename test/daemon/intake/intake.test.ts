import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { ProgressError } from '../../../src/core/base/errors.js';
import type { Origin } from '../../../src/daemon/intake/ingest.js';
import { Intake, type ProducerKind, type EventReceipt } from '../../../src/daemon/intake/intake.js';
import { OwnEventRecorder } from '../../../src/daemon/intake/recorder.js';

interface Submitted {
  parts: readonly NewEvent[];
  origin: Origin | undefined;
  text?: string | undefined;
}

function open() {
  const submitted: Submitted[] = [];
  const ingest = {
    full: false,
    submit: (event: NewEvent, _bytes: number, origin?: Origin, text?: string) =>
      void submitted.push({ parts: [event], origin, text }),
    submitParts: (parts: readonly NewEvent[], _bytes: number, origin?: Origin) =>
      void submitted.push({ parts, origin }),
    submitDeferred: (_event: NewEvent, make: () => readonly NewEvent[], _bytes: number, origin?: Origin) =>
      void submitted.push({ parts: make(), origin }),
  };
  const config = { masks: ['swordfish'], ignore: { commands: ['ls'], directories: [] } };
  return { intake: new Intake({ ingest, config: () => config }), ingest, submitted };
}

const RECEIPT: EventReceipt = { written: () => undefined, duplicate: () => undefined, refused: () => undefined };
const KINDS: readonly ProducerKind[] = ['socket', 'http', 'spool', 'session files', 'daemon'];
const log = (message: string, more: Partial<NewEvent> = {}): NewEvent => ({ type: 'log', data: { message }, ...more });

t.test('foreign producers are checked and masked, the daemon is not', (t) => {
  const { intake } = open();
  for (const kind of KINDS) {
    const producer = intake.producer(kind);
    const isForeign = kind !== 'daemon';
    const event = log('the swordfish');
    t.equal(JSON.stringify(producer.admit(event)).includes('swordfish'), !isForeign, `${kind}: secrets`);
    const own: NewEvent = { type: 'journal_note', data: {} };
    if (isForeign) t.throws(() => producer.admit(own), { code: 'bad_event' }, `${kind}: types of the daemon`);
    else t.equal(producer.admit(own), own);
    const harmless = log('a trout');
    t.equal(producer.admit(harmless), harmless, `${kind}: the same object where nothing is masked`);
  }
  t.end();
});

t.test('the end of an execution on the socket or over HTTP waits for the spool', (t) => {
  const { intake } = open();
  let reads = 0;
  intake.beforeEnd(() => reads++);
  for (const kind of KINDS) {
    const before = reads;
    intake.producer(kind).admit({ type: 'execution_completed', execution: 'x', data: {} });
    intake.producer(kind).admit(log('no end'));
    t.equal(reads - before, kind === 'socket' || kind === 'http' ? 1 : 0, kind);
  }
  t.end();
});

t.test('only commands in the spool are ignored', (t) => {
  const { intake } = open();
  const command: NewEvent = { type: 'execution_started', execution: 'x', data: { kind: 'command', name: 'ls' } };
  for (const kind of KINDS) t.equal(intake.producer(kind).isIgnored(command), kind === 'spool', kind);
  t.end();
});

t.test('after a refusal, later events of the source are refused on the same producer', (t) => {
  const { intake, submitted } = open();
  const full = new ProgressError('disk_full', 'full');
  for (const kind of KINDS) {
    const refused: unknown[] = [];
    const producer = intake.producer(kind);
    const origin = producer.originOf({ ...RECEIPT, refused: (_event, error) => refused.push(error) });
    const [first, second] = [log('', { source: 's', n: 1 }), log('', { source: 's', n: 2 })];
    producer.submit(first, 2, origin);
    submitted.at(-1)?.origin?.refused(first, full);
    t.strictSame(refused, [full], `${kind}: the receipt`);
    const isOrdered = kind !== 'daemon';
    t.match(origin.refusal?.(second), isOrdered ? { code: 'disk_full' } : undefined, kind);
    t.equal(intake.producer(kind).originOf(RECEIPT).refusal?.(second), undefined, `${kind}: another producer`);
  }
  t.end();
});

t.test('a long event is split, a reusable line is passed on, and replacements are admitted', (t) => {
  const { intake, submitted } = open();
  const producer = intake.producer('socket', { entrance: { name: 'here' } });
  const origin = producer.originOf(RECEIPT);
  t.equal(origin.entrance?.name, 'here');
  t.equal(producer.originOf(RECEIPT, { name: 'there' }).entrance?.name, 'there');
  producer.submit(log('x'.repeat(300_000)), 300_000, origin);
  t.ok((submitted.at(-1)?.parts.length ?? 0) > 1);
  producer.submit(log(''), 2, origin, '{}');
  t.equal(submitted.at(-1)?.text, '{}');
  producer.submitTogether([log('1'), log('2')], 2, origin);
  t.equal(submitted.at(-1)?.parts.length, 2);
  producer.submitDeferred(log(''), () => [log('a swordfish')], 2, origin);
  t.notMatch(JSON.stringify(submitted.at(-1)?.parts), 'swordfish');
  t.end();
});

t.test('records made before the intake is open are submitted when it opens, and settle once', (t) => {
  const { intake, submitted } = open();
  const recorder = new OwnEventRecorder();
  let settled = 0;
  recorder.record(log('early'), () => settled++);
  t.strictSame(submitted, []);
  recorder.open(intake);
  recorder.record(log('late'));
  t.match(submitted, [{ parts: [log('early')] }, { parts: [log('late')] }]);
  submitted[0]?.origin?.refused(log('early'), new ProgressError('disk_full', 'full'));
  t.equal(settled, 1);
  t.end();
});
