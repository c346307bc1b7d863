/** The keys that work on the page below. */
import { ellipsisOf, paint } from '../paint.js';
import type { Style } from '../style.js';
import { fit, truncate } from '../width.js';
import type { KeyBinding, PageSize } from './page.js';
import { ScrollingPage } from './tabs/scrolling.js';

const MOVEMENT: readonly (readonly [keys: string, help: string])[] = [
  ['↑ ↓ k j', 'Move'],
  ['PgUp PgDn Ctrl-B Ctrl-F', 'Move a page'],
  ['Ctrl-U Ctrl-D', 'Move half a page'],
  ['g G Home End', 'Go to the first or last row'],
];

interface HelpRow {
  keys: string;
  help: string;
  /** Whether the key does something now. */
  works: boolean;
}

export class HelpPage extends ScrollingPage {
  constructor(bindings: readonly KeyBinding[], general: readonly KeyBinding[]) {
    const rows = [...bindings, ...general].map(({ keys, help, when }): HelpRow => {
      return { keys: keys.map(keyName).join(' '), help, works: when?.() ?? true };
    });
    const moves = MOVEMENT.map(([keys, help]): HelpRow => ({ keys, help, works: true }));
    super(({ columns }: PageSize, style: Style) => rowLines([...rows, ...moves], columns, style));
  }
}

/** Keys that do nothing now are dimmed. */
function rowLines(rows: readonly HelpRow[], columns: number, style: Style): string[] {
  const shown = rows.map((row) => ({
    ...row,
    keys: style.ascii ? row.keys.replace('↑', 'Up').replace('↓', 'Down') : row.keys,
  }));
  const width = Math.min(columns, Math.max(...shown.map(({ keys }) => keys.length)));
  return shown.map(({ keys, help, works }) => {
    const text = `${paint(fit(keys, width), works ? 'strong' : 'dim', style)}  ${paint(help, works ? undefined : 'dim', style)}`;
    return truncate(text, columns, ellipsisOf(style));
  });
}

const NAMES: ReadonlyMap<string, string> = new Map([
  ['enter', 'Enter'],
  ['escape', 'Esc'],
  ['space', 'Space'],
  ['tab', 'Tab'],
  ['S-tab', 'Shift-Tab'],
  ['S-up', 'Shift-Up'],
  ['S-down', 'Shift-Down'],
  ['left', 'Left'],
  ['right', 'Right'],
]);

export function keyName(key: string): string {
  return NAMES.get(key) ?? (key.startsWith('C-') ? `Ctrl-${key.slice(2).toUpperCase()}` : key);
}
