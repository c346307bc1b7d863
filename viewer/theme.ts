/** The color theme: that of the system, unless the user has chosen one. */
import { useState } from 'preact/hooks';

const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'theme';

export function currentTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === stored) ?? 'system';
}

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
}

/** Returns the theme and a function that sets and stores it. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, choose] = useState(currentTheme);
  const set = (next: Theme) => {
    localStorage.setItem(KEY, next);
    applyTheme(next);
    choose(next);
  };
  return [theme, set];
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}
