import t from 'tap';
import { TextField } from '../../../src/terminal/tui/text-field.js';

const STYLE = { color: false, ascii: true };

function typed(text: string, ...keys: string[]): string {
  const field = new TextField(text);
  for (const key of keys) field.take(key);
  return field.line(20, STYLE);
}

t.test('edits at the cursor', (t) => {
  t.equal(typed('make test'), 'make test_');
  t.equal(typed('make test', 'left', 'left', 'X', 'space'), 'make teX _st');
  t.equal(typed('make test', 'home', 'delete', 'right', 'backspace'), '_ke test');
  t.equal(typed('make test', 'C-w', 'a'), 'make a_');
  t.equal(typed('make test', 'C-a', 'C-k', 'b'), 'b_');
  t.equal(typed('make test', 'left', 'C-u', 'end'), 't_');
  t.equal(typed('漢字', 'left', 'left', 'left', 'é'), 'é_漢字');
  t.equal(new TextField().take('pageup'), false, 'a key that is no character edits nothing');
  t.end();
});

t.test('keeps the cursor in view, and shows control characters as text', (t) => {
  const long = 'abcdefghijklmnopqrstuvwxyz';
  t.equal(typed(long), '..jklmnopqrstuvwxyz_');
  t.equal(typed(long, 'home'), '_abcdefghijklmnopq..');
  t.equal(typed('a\u001b[2Jb\nc'), 'a^[[2Jb c_');
  t.end();
});
