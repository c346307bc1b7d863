/** Parses SGR sequences into styled text runs, so that user interfaces can draw colours and nothing else. */
import { sanitize } from './ansi.js';

/** A colour: an index from 0 to 15, mapped by the theme, or red, green and blue. */
export type Color = number | readonly [red: number, green: number, blue: number];

export interface TextStyle {
  color?: Color;
  background?: Color;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  inverse?: true;
  strike?: true;
}

export interface StyledText {
  text: string;
  style: TextStyle;
}

const SGR = /\u001b\[([0-9;:]{0,64})m/g;

/** Splits a line into styled runs; controls other than SGR are made visible, as by `sanitize`. */
export function styledRuns(line: string): StyledText[] {
  const safe = sanitize(line, { color: true });
  if (!safe.includes('\u001b')) return safe === '' ? [] : [{ text: safe, style: {} }];
  const runs: StyledText[] = [];
  let style: TextStyle = {};
  let start = 0;
  const push = (end: number) => {
    if (end > start) runs.push({ text: safe.slice(start, end), style });
  };
  for (const match of safe.matchAll(SGR)) {
    push(match.index);
    start = match.index + match[0].length;
    style = applySgr(style, match[1] ?? '');
  }
  push(safe.length);
  return runs;
}

type Flag = 'bold' | 'dim' | 'italic' | 'underline' | 'inverse' | 'strike';
const FLAGS: Readonly<Record<number, Flag>> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  9: 'strike',
};
const OFF: Readonly<Record<number, readonly (keyof TextStyle)[]>> = {
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['strike'],
  39: ['color'],
  49: ['background'],
};

function applySgr(before: TextStyle, parameters: string): TextStyle {
  let style: TextStyle = { ...before };
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    const flag = FLAGS[code];
    const off = OFF[code];
    if (code === 0) style = {};
    else if (flag) style[flag] = true;
    else if (off) style = without(style, off);
    else if (code === 38 || code === 48) {
      const [color, used] = extendedColor(codes.slice(at + 1));
      if (color !== undefined) style[code === 38 ? 'color' : 'background'] = color;
      at += used;
    } else {
      const [key, color] = namedColor(code);
      if (key) style[key] = color;
    }
  }
  return style;
}

function without(style: TextStyle, keys: readonly (keyof TextStyle)[]): TextStyle {
  return Object.fromEntries(Object.entries(style).filter(([key]) => !keys.includes(key as keyof TextStyle)));
}

function namedColor(code: number): ['color' | 'background' | undefined, number] {
  if (code >= 30 && code <= 37) return ['color', code - 30];
  if (code >= 90 && code <= 97) return ['color', code - 90 + 8];
  if (code >= 40 && code <= 47) return ['background', code - 40];
  if (code >= 100 && code <= 107) return ['background', code - 100 + 8];
  return [undefined, 0];
}

/** Parses `5;n` or `2;r;g;b`. @returns The colour, and the number of codes consumed. */
function extendedColor([mode, ...rest]: readonly number[]): [Color | undefined, number] {
  if (mode === 5) return [paletteColor(rest[0] ?? 0), 2];
  if (mode === 2) return [[channel(rest[0]), channel(rest[1]), channel(rest[2])], 4];
  return [undefined, 0];
}

const CUBE = [0, 95, 135, 175, 215, 255];

function paletteColor(index: number): Color | undefined {
  if (!(index >= 0 && index <= 255)) return undefined;
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return [grey, grey, grey];
  }
  const at = index - 16;
  const level = (part: number) => CUBE[part % 6] ?? 0;
  return [level(Math.floor(at / 36)), level(Math.floor(at / 6)), level(at)];
}

function channel(value: number | undefined): number {
  return Math.min(255, Math.max(0, Math.floor(value ?? 0) || 0));
}

const SGR_FLAGS = Object.entries(FLAGS).map(([code, flag]) => [flag, code] as const);

/** Returns the sequence that sets a style; empty for plain text. */
export function sgrOf(style: TextStyle): string {
  const codes = SGR_FLAGS.filter(([flag]) => style[flag]).map(([, code]) => code);
  if (style.color !== undefined) codes.push(colorCode(style.color, 30));
  if (style.background !== undefined) codes.push(colorCode(style.background, 40));
  return codes.length === 0 ? '' : `\u001b[${codes.join(';')}m`;
}

/** Returns the code of a colour. @param base 30 for the text, 40 for the background. */
function colorCode(color: Color, base: number): string {
  if (typeof color !== 'number') return `${base + 8};2;${color.map(channel).join(';')}`;
  return String(color < 8 ? base + color : base + 60 + color - 8);
}
