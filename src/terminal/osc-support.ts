/** Decides from the environment whether the terminal understands OSC 9;4, the progress in its taskbar or tab. */

/** First version of iTerm2 that shows it; earlier ones show a notification. */
const ITERM_VERSION = [3, 6, 6];
/** First version of VTE that shows it. */
const VTE_VERSION = 7_900;

/** Whether to write it: by `PROGRESS_OSC`, else to terminals that are known to show it, since others show a notification. */
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
