import { existsSync } from 'node:fs';
import t from 'tap';
import type { Recording, Replayed } from '../helpers/replay.js';
import {
  bytesOf,
  finalState,
  foundIn,
  GEMINI_RECORDINGS,
  linesOf,
  recordings,
  replay,
  shuffleKeys,
  TRUTH,
} from '../helpers/replay.js';

const ALL = recordings();

const withFormat = ({ format }: Recording) => (format === undefined ? {} : { format });

/** Lines that other versions, wrappers and careless hooks insert. */
const INTRUDERS = [
  ...['{"type":"from_the_future","session_id":"s","payload":{"deep":[1,2,3]}}', '{"type":7}', '{"type":"system"}'],
  ...['{"type":"system","subtype":"of_tomorrow","session_id":"s"}', '{"type":"item.completed","item":{"type":"new"}}'],
  ...['[1,2]', 'null', 'a line of words', '{"torn":', '{}', '', '{"type":"__proto__"}', '{"type":"constructor"}'],
  ...['{"type":"system","subtype":"toString"}', '{"type":"item.completed","item":{"type":"hasOwnProperty"}}', '\r'],
].map((line) => Buffer.from(`${line}\n`));

const hasGemini = existsSync(GEMINI_RECORDINGS);
t.test('recordings of Gemini CLI', async (t) => {
  // they are not part of this repository; their absence is no failure
  if (!hasGemini) return t.comment(`not looked at: ${GEMINI_RECORDINGS} is not there`);
  t.ok(ALL.some(({ name }) => name.startsWith('gemini-stream/')));
});

t.test('has everything that was counted by hand', async (t) => {
  const names = new Set(ALL.map(({ name }) => name));
  t.strictSame(
    Object.keys(TRUTH).filter((name) => !names.has(name) && !name.startsWith('gemini')),
    [],
  );
});

/** Steps that the events leave open. */
function openSteps({ events }: Replayed): string[] {
  const open = new Set<string>();
  for (const { type, step } of events) {
    if (step === undefined) continue;
    if (type === 'step_started') open.add(step);
    else if (type.startsWith('step_') && type !== 'step_planned') open.delete(step);
  }
  return [...open];
}

for (const recording of ALL) {
  const { name, content } = recording;
  const options = withFormat(recording);

  t.test(name, async (t) => {
    const whole = replay([content], options);
    const expected = finalState(whole);

    const truth = TRUTH[name];
    const found = foundIn(whole);
    if (truth)
      t.strictSame(Object.fromEntries(Object.keys(truth).map((key) => [key, found[key]])), truth, 'all is found');
    t.ok(whole.kept.equals(content), 'every byte is kept once, in order');
    const bytewise = replay(bytesOf(content), options);
    t.strictSame(bytewise.events, whole.events, 'byte by byte');
    t.ok(bytewise.kept.equals(content));
    t.strictSame(finalState(replay(linesOf(content), options)), expected, 'line by line');
    t.strictSame(finalState(replay(linesOf(content).map(shuffleKeys), options)), expected, 'with other orders of keys');

    const lines = linesOf(content);
    const disturbed = lines.flatMap((line, index) => [line, INTRUDERS[index % INTRUDERS.length]!]);
    const hurt = replay(disturbed, options);
    t.ok(hurt.kept.equals(Buffer.concat(disturbed)), 'with strange lines between them everything is kept');
    if (whole.format !== undefined) {
      t.strictSame(finalState(hurt), expected, 'and nothing is understood differently');
    }
  });

  t.test(`${name}, cut at every line`, async (t) => {
    const lines = linesOf(content);
    for (let count = 0; count <= lines.length; count++) {
      // also in the middle of the next line
      const torn = lines[count]?.subarray(0, Math.floor(lines[count]!.length / 2)) ?? Buffer.alloc(0);
      const cut = Buffer.concat([...lines.slice(0, count), torn]);
      const replayed = replay([cut], { ...options, status: 'cancelled' });
      if (!replayed.kept.equals(cut)) t.fail(`after ${count} lines: the kept text differs`);
      const open = replayed.format === undefined ? [] : openSteps(replayed);
      if (open.length > 0) t.fail(`after ${count} lines: ${open.join()} is left open`);
    }
    t.pass();
  });
}

t.test('closes open steps of a session that is cut short', async (t) => {
  const full = ALL.find(({ name }) => name.endsWith('rec-2.1.197-full.jsonl') && name.startsWith('claude-stream'))!;
  const lines = linesOf(full.content);
  const inSubagent = lines.findIndex((line) => line.includes('"id":"toolu_mock0011"')) + 1;
  const { events, claim } = replay(lines.slice(0, inSubagent), { status: 'cancelled' });
  const last = events.slice(-2).map(({ type, step }) => `${type} ${step ?? ''}`);
  t.strictSame(last, ['step_cancelled toolu_mock0011', 'step_cancelled toolu_mock0004'], 'the innermost first');
  t.equal(claim, undefined, 'a stream that was cut claims nothing');
});
