// The environment of the test suite: the same at a terminal, in a pipe, in CI and inside a coding agent.
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * Variables that are passed on: where programs are, who the user is, options of the tests themselves (TEST_*), and the
 * settings of npm for tests that install packages. Everything else (CI, PROGRESS_*, TMUX, DISPLAY, DBUS_*, XDG_*, those
 * of coding agents...) is not.
 */
const PASSED_ON = /^(?:PATH|USER|LOGNAME|TEST_.*|npm_config_(?:userconfig|cache|registry|cafile))$/;

// bash takes a script whose SHLVL is not set for a remote command, and reads ~/.bashrc
const FIXED = { LANG: 'C.UTF-8', TZ: 'UTC', TERM: 'xterm-256color', SHELL: '/bin/sh', SHLVL: '1' };

/**
 * @param env - the environment of the user who runs the tests
 * @param directory - private directory of this run: home and temporary files of the tests are below it
 */
export function neutralEnvironment(env, directory) {
  const [home, temporary] = [path.join(directory, 'home'), path.join(directory, 'tmp')];
  for (const created of [home, temporary]) mkdirSync(created);
  // tests that run as root start programs as another user, who must be able to pass through
  for (const passed of [directory, temporary]) chmodSync(passed, 0o711);
  const passedOn = Object.entries(env).filter(([name]) => PASSED_ON.test(name));
  // npm's own files stay where the user has them: a registry may be configured there
  const npm = env.HOME && {
    npm_config_userconfig: path.join(env.HOME, '.npmrc'),
    npm_config_cache: path.join(env.HOME, '.npm'),
  };
  return { ...npm, ...Object.fromEntries(passedOn), ...FIXED, HOME: home, TMPDIR: temporary, TEST_RUN: directory };
}
