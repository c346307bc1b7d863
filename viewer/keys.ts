/** Keyboard shortcuts: components register theirs while they are shown, and the dialog lists those of all. */
import { useEffect, useRef } from 'preact/hooks';

export interface Key {
  /** For instance `Ctrl-f`, `Alt-r`, `G`, `End`. The command key of a Mac counts as Ctrl. */
  names: readonly string[];
  /** Description for the dialog. */
  what: string;
  /** Also while a field has the focus. */
  always?: true;
  /** Handles the key. False leaves it to others and to the browser. Absent if it is handled elsewhere and only listed. */
  run?: () => unknown;
}

export interface KeyGroup {
  title: string;
  keys: readonly Key[];
}

const STORED = 'single-keys';
const groups = new Map<object, () => KeyGroup & { rank: number }>();

/** Returns the registered keys, those of the whole page first. */
export function keyGroups(): KeyGroup[] {
  return [...groups.values()].map((group) => group()).sort((a, b) => a.rank - b.rank);
}

/** Whether single letters are shortcuts. Users of speech input may disable that. */
export function hasSingleKeys(): boolean {
  return localStorage.getItem(STORED) !== 'off';
}

export function setSingleKeys(isOn: boolean): void {
  if (isOn) localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, 'off');
}

/** Registers keys while the component is mounted. @param rank 0 for the whole page, higher for a part of it. */
export function useKeys(rank: number, title: string, keys: readonly Key[]): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const owner = {};
    groups.set(owner, () => ({ rank, title, keys: current.current }));
    return () => void groups.delete(owner);
  }, [rank, title]);
}

/** Dispatches keys to the handlers, those of the innermost part first. */
export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    const name = nameOf(event);
    const typing = isTyping(event);
    if (event.defaultPrevented || (name.length === 1 && !hasSingleKeys())) return;
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
  // with a modifier, Caps Lock does not matter
  const letter = ctrlKey || metaKey || altKey ? key.toLowerCase() : key;
  const name = key.length === 1 ? letter : key;
  return `${ctrlKey || metaKey ? 'Ctrl-' : ''}${altKey ? 'Alt-' : ''}${isShifted ? 'Shift-' : ''}${name}`;
}

/** Whether the key is input for a field or a dialog. */
function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.closest('input, select, textarea, dialog') !== null;
}
