import t from 'tap';
import { styledRuns } from '../../../src/core/text/sgr.js';

const E = '\u001b';

t.test('runs of one style each', (t) => {
  t.strictSame(styledRuns('plain'), [{ text: 'plain', style: {} }]);
  t.strictSame(styledRuns(''), []);
  t.strictSame(styledRuns(`a${E}[1;31mb${E}[22mc${E}[0md`), [
    { text: 'a', style: {} },
    { text: 'b', style: { bold: true, color: 1 } },
    { text: 'c', style: { color: 1 } },
    { text: 'd', style: {} },
  ]);
  t.end();
});

t.test('colours: sixteen by name, the palette, any', (t) => {
  const styleOf = (codes: string) => styledRuns(`${E}[${codes}mx`)[0]?.style;
  t.strictSame(styleOf('97;100'), { color: 15, background: 8 });
  t.strictSame(styleOf('38;5;9'), { color: 9 });
  t.strictSame(styleOf('38;5;196'), { color: [255, 0, 0] });
  t.strictSame(styleOf('48;5;232'), { background: [8, 8, 8] });
  t.strictSame(styleOf('38;2;1;2;300'), { color: [1, 2, 255] });
  t.strictSame(styleOf('38;5;999'), {});
  t.strictSame(styleOf('38'), {});
  t.strictSame(styleOf('3;4;7;9'), { italic: true, underline: true, inverse: true, strike: true });
  t.strictSame(styleOf('1;'), {});
  t.end();
});

t.test('only colours are interpreted, and no text is lost', (t) => {
  const hostile = `${E}]52;c;evil\u0007 ${E}[2J \u009b31m \u202e x`;
  t.equal(
    styledRuns(hostile)
      .map(({ text }) => text)
      .join(''),
    '^[]52;c;evil^G ^[[2J \\u{9b}31m \\u{202e} x',
  );
  t.end();
});
