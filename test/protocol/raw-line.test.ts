import t from 'tap';
import { parseEvent } from '../../src/journal/lines.js';
import { encodeEvent } from '../../src/protocol/encode.js';
import { isReusable, stampText } from '../../src/protocol/raw-line.js';
import { parseExactly, toNewEvent } from '../../src/protocol/validate.js';

const TIME = '2026-01-02T03:04:05.678Z';

/** Returns the journal line, or undefined if the text is not reusable. */
function reused(text: string): string | undefined {
  const { value, exact } = parseExactly(text, 1);
  const event = toNewEvent(value);
  return exact && isReusable(text, value, event) ? stampText(text, 7, TIME) : undefined;
}

t.test('a text that is reused is equal to the encoded event', async (t) => {
  const texts = [
    '{"type":"log","execution":"a","data":{}}',
    '{"type":"output","execution":"a","step":"s","source":"x","n":3,"data":{"stream":"stdout","text":"é 😀 \\n\\"q\\""}}',
    '{"type":"custom","data":{"nested":{"list":[1,2.5,true,null]}}}',
    '{"type":"log","source":"s","n":0,"execution":"a","data":{"__proto__":{"x":1}}}',
    '{"type":"log","execution":"a","data":{"twice":1,"twice":2}}',
  ];
  for (const text of texts) {
    const line = reused(text);
    const encoded = encodeEvent({ ...toNewEvent(parseExactly(text, 1).value), seq: 7, time: TIME });
    t.ok(line, text);
    t.strictSame(parseEvent(line ?? ''), parseEvent(encoded), text);
  }
});

t.test('a text that differs from the event, or in its form, is not reused', async (t) => {
  const texts = {
    'a seq of its own': '{"type":"log","seq":1,"data":{}}',
    'a seq given twice': '{"type":"log","data":{},"seq":1,"seq":2}',
    'a time': `{"type":"log","time":"${TIME}","data":{}}`,
    'flat data': '{"type":"log","message":"x"}',
    'flat data beside data': '{"type":"log","message":"x","data":{}}',
    'no data': '{"type":"log"}',
    'another vocabulary': '{"type":"story_started","data":{"task_id":"a","story_id":"b"}}',
    'null in the envelope': '{"type":"log","execution":null,"data":{}}',
    'spaces where readers search': '{"type":"log","execution": "a","data":{}}',
    'a space before the type': '{ "type":"log","data":{}}',
    'another order': '{"data":{},"type":"log"}',
    'an escaped type': '{"type":"l\\u006fg","data":{}}',
    'an escaped key': '{"type":"log","\\u0065xecution":"a","data":{}}',
    'half a surrogate pair': '{"type":"log","data":{"text":"\\ud800"}}',
    'a number that JSON cannot write': '{"type":"log","data":{"x":1e999}}',
    'blanks behind it': '{"type":"log","data":{}} ',
    'great length': `{"type":"log","data":{"text":"${'x'.repeat(40_000)}"}}`,
  };
  for (const [why, text] of Object.entries(texts)) t.equal(reused(text), undefined, why);
});
