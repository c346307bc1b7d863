/** The keys of the page: each part of it says which ones it takes, and the overview lists those that work now. */
import { useEffect, useRef } from 'preact/hooks';

export interface Key {
  /** As in `Ctrl-f`, `Alt-r`, `G`, `End`; the command key of a Mac counts as Ctrl. */
  names: readonly string[];
  /** What it does, for the overview. */
  what: string;
  /** It works while somebody writes, too. */
  always?: true;
  /** False: not now; the browser does with it what it likes. Absent: somebody else takes it, it is only listed. */
  run?: () => unknown;
}

export interface KeyGroup {
  title: string;
  keys: readonly Key[];
}

const STORED = 'single-keys';
const groups = new Map<object, () => KeyGroup & { rank: number }>();

/** Those that are for the whole page first. */
export function keyGroups(): KeyGroup[] {
  return [...groups.values()].map((group) => group()).sort((a, b) => a.rank - b.rank);
}

/** Single letters act, unless somebody has switched that off, as people who dictate may want. */
export function hasSingleKeys(): boolean {
  return localStorage.getItem(STORED) !== 'off';
}

export function setSingleKeys(isOn: boolean): void {
  if (isOn) localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, 'off');
}

/** While the component is there. `rank`: 0 for the whole page, more for a part of it. */
export function useKeys(rank: number, title: string, keys: readonly Key[]): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const owner = {};
    groups.set(owner, () => ({ rank, title, keys: current.current }));
    return () => void groups.delete(owner);
  }, [rank, title]);
}

export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    const name = nameOf(event);
    const typing = isTyping(event);
    if (event.defaultPrevented || (name.length === 1 && !hasSingleKeys())) return;
    // the innermost part has the first word
    for (const { keys } of keyGroups().reverse()) {
      const key = keys.find(({ names, always, run }) => run && names.includes(name) && (always ?? !typing));
      if (!key || key.run?.() === false) continue;
      event.preventDefault();
      return;
    }
  });
}

function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): string {
  const isShifted = shiftKey && (key.length > 1 || ctrlKey || metaKey || altKey);
  // with a modifier the letter is meant, whatever the lock is at
  const letter = ctrlKey || metaKey || altKey ? key.toLowerCase() : key;
  const name = key.length === 1 ? letter : key;
  return `${ctrlKey || metaKey ? 'Ctrl-' : ''}${altKey ? 'Alt-' : ''}${isShifted ? 'Shift-' : ''}${name}`;
}

/** Does the key belong to what somebody writes, or chooses? */
function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.closest('input, select, textarea, dialog') !== null;
}
