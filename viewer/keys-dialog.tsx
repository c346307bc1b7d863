/** The dialog that lists the keys of the page. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Tick } from './fields.js';
import type { Key } from './keys.js';
import { hasSingleKeys, keyGroups, setSingleKeys } from './keys.js';

export function KeysDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [groups] = useState(keyGroups);
  const [single, setSingle] = useState(hasSingleKeys);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="keys" aria-labelledby="keys-title" onClose={onClose}>
      <h2 id="keys-title">Keys</h2>
      {/* focusable, so that keys scroll it in a small window */}
      <div class="key-groups" tabIndex={0} role="group" aria-label="By place">
        {groups.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map((key) => (
                <div key={key.what} class={single || !isSingle(key) ? undefined : 'off'}>
                  <dt>
                    {key.names.map((name) => (
                      <kbd key={name}>{nameText(name)}</kbd>
                    ))}
                  </dt>
                  <dd>{key.what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <form method="dialog">
        <Tick
          label="Single letters and signs act"
          isOn={single}
          onChange={(isOn) => {
            setSingleKeys(isOn);
            setSingle(isOn);
          }}
        />
        <button autofocus>Close</button>
      </form>
    </dialog>
  );
}

function isSingle({ names }: Key): boolean {
  return names.every((name) => name.length === 1);
}

function nameText(name: string): string {
  const arrow = /^Arrow(Up|Down)$/.exec(name)?.[1];
  if (arrow !== undefined) return arrow === 'Up' ? '↑' : '↓';
  return name.replace(/-(\w)$/, (_, letter: string) => `-${letter.toUpperCase()}`).replace('Page', 'Page ');
}
