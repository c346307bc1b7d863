import t from 'tap';
import { realClock } from '../../src/core/base/clock.js';
import { openScreen } from '../../src/terminal/screen.js';
import { createTtyStreams } from '../helpers/tty-streams.js';
import { waitFor } from '../helpers/wait.js';

t.test('each key arrives once, by its name', async (t) => {
  const tty = createTtyStreams(80, 24);
  const keys: string[] = [];
  const screen = openScreen({
    ...{ input: tty.input, output: tty.output, sync: false, clock: realClock },
    onKey: (key) => keys.push(key),
    onResize: () => {},
  });
  screen.enter();
  tty.press('a\r \n\u0003\u001b[A');
  await waitFor('the keys', () => keys.includes('up'));
  t.strictSame(keys, ['a', 'enter', 'space', 'linefeed', 'C-c', 'up']);
  screen.destroy();
});
