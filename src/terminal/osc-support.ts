/** Decides from the environment which operating system commands (OSC) the terminal understands. */

/** First version of iTerm2 that shows it; earlier ones show a notification. */
const ITERM_VERSION = [3, 6, 6];
/** First version of VTE that shows it. */
const VTE_VERSION = 7_900;
/** First version of VTE whose hyperlinks are reliable. */
const VTE_LINKS = 5_000;
const LINK_PROGRAMS = ['WezTerm', 'ghostty', 'iTerm.app', 'vscode'];

/** Whether to write the progress in the taskbar (OSC 9;4): by `PROGRESS_OSC`, else to terminals that are known to show it, since others show a notification. */
export function hasTaskbar(env: NodeJS.ProcessEnv): boolean {
  const { PROGRESS_OSC: asked = '', TERM_PROGRAM: program, TERM_PROGRAM_VERSION: version = '' } = env;
  if (asked !== '') return asked !== '0';
  if (env['TMUX'] || env['STY']) return false;
  if (env['WT_SESSION'] || env['ConEmuANSI'] === 'ON') return true;
  if (program === 'iTerm.app') return isAtLeast(version, ITERM_VERSION);
  return program === 'WezTerm' || program === 'ghostty' || Number(env['VTE_VERSION']) >= VTE_VERSION;
}

function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const index = wanted.findIndex((part, at) => (parts[at] ?? 0) !== part);
  return index === -1 || (parts[index] ?? 0) > (wanted[index] ?? 0);
}

/** Whether texts may be hyperlinks (OSC 8). Terminals that do not know them are meant to ignore them, but some print them. */
export function hasHyperlinks(env: NodeJS.ProcessEnv): boolean {
  const { PROGRESS_OSC: asked = '', TERM = '', TERM_PROGRAM: program = '' } = env;
  if (asked !== '') return asked !== '0';
  // tmux passes them on from version 3.4 only
  if (env['TMUX'] || env['STY']) return false;
  if (env['WT_SESSION'] || env['KITTY_WINDOW_ID'] || /^(?:foot|xterm-kitty|alacritty)/.test(TERM)) return true;
  return LINK_PROGRAMS.includes(program) || Number(env['VTE_VERSION']) >= VTE_LINKS;
}
