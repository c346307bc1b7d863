/** The search field of the log, with its options and the number of matches. */
import type { RefObject } from 'preact';
import { formatCount } from '../../src/core/text/format.js';
import { SearchField, Tick } from '../fields.js';
import type { FindState } from './find.js';
import { setQuery } from '../route.js';

interface Props {
  field: RefObject<HTMLInputElement | null>;
  find: FindState;
  only: boolean;
  /** Called when the user leaves the field for the log. */
  onLeave: () => void;
}

export function FindBar({ field, find, only, onLeave }: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') find.step(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') onLeave();
    else return;
    event.preventDefault();
  };
  return (
    <>
      <span class="find">
        <SearchField
          field={field}
          label="Find in the whole log"
          placeholder="Find  ( Ctrl-F )"
          value={find.text}
          onInput={(text) => setQuery({ find: text })}
          onKeyDown={onKeyDown}
          isWrong={find.error !== undefined}
        />
        <Toggle label="Regular expression" sign=".*" keys="Alt-R" isOn={find.regex} field="re" />
        <Toggle label="Upper and lower case differ" sign="Aa" keys="Alt-C" isOn={find.exact} field="case" />
      </span>
      {find.text !== '' && (
        <>
          <span class={find.error === undefined ? 'count' : 'count wrong'} role="status">
            {find.error ?? (find.found === undefined ? '…' : countText(find.index, find.found.matched))}
          </span>
          <button aria-label="Match before" onClick={() => find.step(-1)}>
            ↑
          </button>
          <button aria-label="Next match" onClick={() => find.step(1)}>
            ↓
          </button>
          <Tick label="Only matches" isOn={only} onChange={(isOn) => setQuery({ only: isOn ? '1' : '' })} />
        </>
      )}
    </>
  );
}

function Toggle(props: { label: string; sign: string; keys: string; isOn: boolean; field: string }) {
  const { label, sign, keys, isOn, field } = props;
  return (
    <button
      class="sign"
      aria-label={label}
      title={`${label}  ( ${keys} )`}
      aria-pressed={isOn}
      onClick={() => setQuery({ [field]: isOn ? '' : '1' })}
    >
      {sign}
    </button>
  );
}

function countText(index: number, matched: number): string {
  return matched === 0 ? 'none' : `${formatCount(index + 1)} of ${formatCount(matched)}`;
}
