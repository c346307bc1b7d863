/** Form fields: search, select, checkbox. */
import type { JSX, RefObject } from 'preact';

interface SearchFieldProps {
  field: RefObject<HTMLInputElement | null>;
  label: string;
  placeholder: string;
  value: string;
  onInput: (value: string) => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  isWrong?: boolean;
}

export function SearchField({ field, label, onInput, isWrong = false, ...rest }: SearchFieldProps): JSX.Element {
  return (
    <input
      ref={field}
      type="search"
      aria-label={label}
      aria-invalid={isWrong}
      onInput={(event) => onInput(event.currentTarget.value)}
      {...rest}
    />
  );
}

interface ChoiceProps {
  label: string;
  options: readonly (readonly [value: string, label: string])[];
  value: string;
  onChange: (value: string) => void;
}

export function Choice({ label, options, value, onChange }: ChoiceProps): JSX.Element {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {options.map(([one, text]) => (
        <option key={one} value={one}>
          {text}
        </option>
      ))}
    </select>
  );
}

interface TickProps {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

export function Tick({ label, isOn, onChange }: TickProps): JSX.Element {
  return (
    <label>
      <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} />
      {label}
    </label>
  );
}
