/** Determines how to write to a terminal, or to what replaces it: a pure function of the environment. */
import { ProgressError } from '../core/base/errors.js';
import { hasHyperlinks, hasTaskbar } from './osc-support.js';

/** Appearance of texts. */
export interface Style {
  color: boolean;
  /** Use ASCII only. */
  ascii: boolean;
  /** Origin of the viewer, where the terminal shows hyperlinks and the viewer is on. */
  viewer?: string | undefined;
}

export interface OutputStyle extends Style {
  /** `box`: updated in place; `plain`: one line after the other. */
  mode: 'box' | 'plain';
  /**
   * Whether frames are bracketed as synchronized output (mode 2026), so that the terminal shows complete ones only.
   */
  sync: boolean;
  /** Whether progress is also written for the taskbar (OSC 9;4). */
  taskbar: boolean;
  /** Whether texts may be hyperlinks (OSC 8). */
  hyperlinks: boolean;
}

export interface Surroundings {
  env: NodeJS.ProcessEnv;
  isTTY: boolean;
  columns: number | undefined;
  rows: number | undefined;
  flags?: { output?: string | undefined; color?: string | undefined; ascii?: boolean | undefined };
}

/** Whether a coding agent reads the output: frames would be noise, and a box that waits for `q` would hang. */
const AGENT_VARIABLES = [
  'CLAUDECODE',
  'CLAUDE_PROJECT_DIR',
  'OPENCODE',
  'AGENT',
  'CURSOR_AI_AGENT',
  'COMPOSER_MODE',
  'AGENT_MODE',
  'CODEX_SANDBOX',
  'CLINE_ACTIVE',
];

export function chooseStyle(surroundings: Surroundings): OutputStyle {
  const { env } = surroundings;
  return {
    mode: chooseMode(surroundings),
    color: chooseColor(surroundings),
    ascii: surroundings.flags?.ascii === true || env['PROGRESS_WIDTH'] === 'ambiguous2' || lacksUnicode(env),
    sync: env['PROGRESS_SYNC'] !== '0',
    taskbar: surroundings.isTTY && hasTaskbar(env),
    hyperlinks: surroundings.isTTY && hasHyperlinks(env),
  };
}

function chooseMode(surroundings: Surroundings): 'box' | 'plain' {
  const { env, isTTY, columns, rows, flags } = surroundings;
  const asked = readChoice('--output', flags?.output, ['box', 'plain']);
  const wanted = asked ?? readChoice('PROGRESS_OUTPUT', env['PROGRESS_OUTPUT'], ['box', 'plain']);
  // without a size it is unknown where a line of the box ends
  if (wanted === 'plain' || !isTTY || !columns || !rows) return 'plain';
  if (wanted === 'box') return 'box';
  if (isDumb(env) || isSet(env, 'CI')) return 'plain';
  return AGENT_VARIABLES.some((variable) => isSet(env, variable)) ? 'plain' : 'box';
}

/** Colour conventions, in the order that Ninja has established. */
function chooseColor({ env, isTTY, flags }: Surroundings): boolean {
  const asked = readChoice('--color', flags?.color, ['always', 'never']);
  if (asked !== undefined) return asked === 'always';
  if (isSet(env, 'FORCE_COLOR') && env['FORCE_COLOR'] !== '0') return true;
  if (isSet(env, 'NO_COLOR')) return false;
  if (isSet(env, 'CLICOLOR_FORCE') && env['CLICOLOR_FORCE'] !== '0') return true;
  return isTTY && !isDumb(env);
}

/** Whether the locale excludes UTF-8; without a locale, current terminals support it. */
function lacksUnicode(env: NodeJS.ProcessEnv): boolean {
  if (env['TERM'] === 'linux') return true; // the console's font has no emoji
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  return locale !== undefined && !/utf-?8/i.test(locale);
}

function isDumb(env: NodeJS.ProcessEnv): boolean {
  return !isSet(env, 'TERM') || env['TERM'] === 'dumb';
}

function isSet(env: NodeJS.ProcessEnv, variable: string): boolean {
  return env[variable] !== undefined && env[variable] !== '';
}

/** Whether a variable decides: `auto`, an empty text and no value do not. */
function readChoice<T extends string>(where: string, value: string | undefined, choices: readonly T[]): T | undefined {
  if (value === undefined || value === '' || value === 'auto') return undefined;
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new ProgressError('usage', `${where}: "${value}" is none of auto, ${choices.join(', ')}`);
}
