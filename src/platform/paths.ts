/** Resolves all paths from the environment; the only reader of HOME, ZDOTDIR, XDG_* and PROGRESS_HOME. */
import { createHash } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';

export interface Paths {
  /** Directory of the persistent state: journal, checkpoint, lock, log of the daemon. */
  state: string;
  /** Directory of the sockets, mode 0700. */
  runtime: string;
  /** Intended directory of the sockets, if its path is too long for one. */
  displaced?: string;
  socket: string;
  /** Socket of the HTTP API. */
  httpSocket: string;
  /** Socket that the enclosing run has passed to its children. */
  inherited?: string;
  config: string;
  journal: string;
  /** Files that shells write, and all producers while no daemon is running. */
  spool: string;
  /** A directory for each run, with its specification and identity. */
  runs: string;
  checkpoint: string;
  lock: string;
  daemonLog: string;
  /** Address of the viewer while it is on, and the token that admits browsers. */
  web: string;
  webToken: string;
}

/** `sun_path` has 108 bytes on Linux and 104 elsewhere, including the final NUL; Node truncates longer paths silently. */
const MAX_SOCKET_BYTES = 103;
/** The daemon binds `NAME.<pid>` first, then renames it. */
const SOCKET_NAME = 'daemon.sock';
const ROOM_FOR_SUFFIX = '.4194304'.length;

/** Resolves the paths; `PROGRESS_HOME` moves all of them below itself. */
export function resolvePaths(env: NodeJS.ProcessEnv = process.env): Paths {
  const home = env['PROGRESS_HOME'];
  const state = home ? path.join(path.resolve(home), 'state') : xdg(env, 'XDG_STATE_HOME', '.local/state');
  const config = home
    ? path.join(path.resolve(home), 'config.yaml')
    : path.join(xdg(env, 'XDG_CONFIG_HOME', '.config'), 'config.yaml');
  const wanted = runtimeDirectory(env, state);
  const runtime = fitsSocket(wanted) ? wanted : shortDirectory(state);
  const inherited = env['PROGRESS_SOCKET'];
  return {
    state,
    runtime,
    ...(runtime !== wanted && { displaced: wanted }),
    socket: path.join(runtime, SOCKET_NAME),
    httpSocket: path.join(runtime, 'http.sock'),
    ...(inherited && { inherited }),
    config,
    journal: path.join(state, 'journal'),
    spool: path.join(state, 'spool'),
    runs: path.join(state, 'runs'),
    checkpoint: path.join(state, 'checkpoint.json'),
    lock: path.join(state, 'daemon.lock'),
    daemonLog: path.join(state, 'daemon.log'),
    web: path.join(state, 'web.json'),
    webToken: path.join(state, 'web-token'),
  };
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** Shells with hooks. */
export type Shell = (typeof SHELLS)[number];

/** Returns the user's shell, if it has hooks. */
export function findShell({ SHELL = '' }: NodeJS.ProcessEnv): Shell | undefined {
  return SHELLS.find((shell) => shell === path.basename(SHELL));
}

/** Returns the start-up file of each shell for interactive sessions; for fish a separate file. */
export function resolveRcFiles(env: NodeJS.ProcessEnv = process.env): Readonly<Record<Shell, string>> {
  return {
    bash: path.join(homeOf(env), '.bashrc'),
    zsh: path.join(env['ZDOTDIR'] || homeOf(env), '.zshrc'),
    fish: path.join(xdgBase(env, 'XDG_CONFIG_HOME', '.config'), 'fish/conf.d/progress.fish'),
  };
}

function xdg(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  return path.join(xdgBase(env, variable, fallback), 'progress');
}

/** Returns an XDG base directory; relative values are ignored, as the specification requires. */
function xdgBase(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const value = env[variable];
  return value && path.isAbsolute(value) ? value : path.join(homeOf(env), fallback);
}

/** Returns the home directory of the user. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  return env['HOME'] ?? userInfo().homedir;
}

/** Search path of execvp(3) without a PATH. */
export const DEFAULT_PATH = '/usr/local/bin:/bin:/usr/bin';

/** Returns every executable of a name in `PATH`, in its order. */
export function findInPath(program: string, searchPath = ''): string[] {
  const directories = searchPath.split(path.delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => path.join(directory, program)).filter(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function runtimeDirectory(env: NodeJS.ProcessEnv, state: string): string {
  const xdgRuntime = env['XDG_RUNTIME_DIR'];
  return !env['PROGRESS_HOME'] && xdgRuntime && path.isAbsolute(xdgRuntime)
    ? path.join(xdgRuntime, 'progress')
    : path.join(state, 'run');
}

function fitsSocket(directory: string): boolean {
  return Buffer.byteLength(path.join(directory, SOCKET_NAME)) + ROOM_FOR_SUFFIX <= MAX_SOCKET_BYTES;
}

/** Returns a short directory for sockets, the same for every client; the daemon checks its owner and mode. */
function shortDirectory(state: string): string {
  const digest = createHash('sha256').update(state).digest('hex').slice(0, 16);
  return path.join(tmpdir(), `progress-${userInfo().uid}-${digest}`);
}
