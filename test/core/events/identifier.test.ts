import t from 'tap';
import { isIdentifier, MAX_ID_CHARS, MAX_TYPE_CHARS } from '../../../src/core/events/identifier.js';

t.test('an identifier is a non-empty, bounded text without control characters', (t) => {
  for (const id of ['a', 'us-003/ac-1', 'Ärger 😀', '__proto__', '"\\', 'x'.repeat(MAX_ID_CHARS)]) {
    t.equal(isIdentifier(id), true, id.slice(0, 20));
  }
  for (const id of ['', 'x'.repeat(MAX_ID_CHARS + 1), 'a\nb', 'a\u0000', '\u001b[2J', '\u007f', '\u0085', 1, null]) {
    t.equal(isIdentifier(id), false, JSON.stringify(id).slice(0, 20));
  }
  t.equal(isIdentifier('x'.repeat(MAX_TYPE_CHARS + 1), MAX_TYPE_CHARS), false);
  t.end();
});
