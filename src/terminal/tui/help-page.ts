/** The keys that work on the page below. */
import { paint } from '../paint.js';
import type { Style } from '../style.js';
import { fit } from '../width.js';
import type { KeyBinding, PageSize } from './page.js';
import { ScrollingPage } from './tabs/scrolling.js';

const MOVEMENT: readonly [string, string][] = [
  ['↑ ↓, k j', 'Move'],
  ['PgUp PgDn, Ctrl-B Ctrl-F', 'Move a page'],
  ['Ctrl-U Ctrl-D', 'Move half a page'],
  ['g G, Home End', 'Go to the first or last row'],
];

export class HelpPage extends ScrollingPage {
  constructor(bindings: readonly KeyBinding[], general: readonly KeyBinding[]) {
    super(({ columns }: PageSize, style: Style) => {
      const rows = [...bindings, ...general].map(({ keys, help }): [string, string] => [
        keys.map(keyName).join(' '),
        help,
      ]);
      const names = style.ascii
        ? MOVEMENT.map(([, text]) => ['up down pgup pgdn', text] as [string, string])
        : MOVEMENT;
      const all = [...rows, ...names];
      const width = Math.max(...all.map(([keys]) => keys.length));
      return all.map(([keys, help]) => `${paint(fit(keys, Math.min(width, columns)), 'strong', style)}  ${help}`);
    });
  }
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
