/** Where everything is. The only reader of HOME, ZDOTDIR, XDG_* and PROGRESS_HOME. */
import type { Agent } from '../core/agents.js';
import { createHash } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';

export interface Paths {
  /** Everything that must survive: journal, checkpoint, lock, the daemon's own log. */
  state: string;
  /** Directory of the sockets, mode 0700. */
  runtime: string;
  /** Where the sockets would be, were that path not too long for one. */
  displaced?: string;
  socket: string;
  /** The same as HTTP. */
  httpSocket: string;
  /** The socket that an enclosing run has told its children. */
  inherited?: string;
  config: string;
  journal: string;
  /** Files that shells write, and everybody while no daemon listens. */
  spool: string;
  /** A directory for each run: what it needs to start, and who it is. */
  runs: string;
  checkpoint: string;
  lock: string;
  daemonLog: string;
  /** Where each agent keeps the files of its sessions. */
  sessions: Readonly<Record<Agent, string>>;
  /** Where Claude Code keeps a file for each of its processes. */
  registry: string;
  /** Where the viewer listens while it is on, and what lets browsers in. */
  web: string;
  webToken: string;
}

/** Those whose sessions can be followed. */

/** `sun_path` holds 108 bytes on Linux and 104 elsewhere, with the final NUL; Node cuts longer ones without a word. */
const MAX_SOCKET_BYTES = 103;
/** The daemon binds `NAME.<pid>` first, then renames it. */
const SOCKET_NAME = 'daemon.sock';
const ROOM_FOR_SUFFIX = '.4194304'.length;

/** From the environment; `PROGRESS_HOME` moves everything below itself. */
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
    sessions: resolveSessions(env),
    registry: path.resolve(agentHomes(env).claude, 'sessions'),
    web: path.join(state, 'web.json'),
    webToken: path.join(state, 'web-token'),
  };
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** Those that there are hooks for. */
export type Shell = (typeof SHELLS)[number];

/** The user's own shell, if it is one of them. */
export function findShell({ SHELL = '' }: NodeJS.ProcessEnv): Shell | undefined {
  return SHELLS.find((shell) => shell === path.basename(SHELL));
}

/** What each shell reads when an interactive one starts; of fish a file of our own. */
export function resolveRcFiles(env: NodeJS.ProcessEnv = process.env): Readonly<Record<Shell, string>> {
  return {
    bash: path.join(homeOf(env), '.bashrc'),
    zsh: path.join(env['ZDOTDIR'] || homeOf(env), '.zshrc'),
    fish: path.join(xdgBase(env, 'XDG_CONFIG_HOME', '.config'), 'fish/conf.d/progress.fish'),
  };
}

/** Where an agent's hooks are set for everything that the user does. */
export function resolveAgentFiles(env: NodeJS.ProcessEnv = process.env): Readonly<Record<Agent, string>> {
  const { claude, codex, gemini } = agentHomes(env);
  return {
    claude: path.join(claude, 'settings.json'),
    codex: path.join(codex, 'hooks.json'),
    gemini: path.join(gemini, 'settings.json'),
  };
}

function resolveSessions(env: NodeJS.ProcessEnv): Paths['sessions'] {
  const { claude, codex, gemini } = agentHomes(env);
  return {
    claude: path.resolve(claude, 'projects'),
    codex: path.resolve(codex, 'sessions'),
    gemini: path.resolve(gemini, 'tmp'),
  };
}

/** Each agent has a variable of its own that moves everything of it. */
function agentHomes(env: NodeJS.ProcessEnv): Readonly<Record<Agent, string>> {
  const home = homeOf(env);
  return {
    claude: env['CLAUDE_CONFIG_DIR'] || path.join(home, '.claude'),
    codex: env['CODEX_HOME'] || path.join(home, '.codex'),
    gemini: path.join(env['GEMINI_CLI_HOME'] || home, '.gemini'),
  };
}

function xdg(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  return path.join(xdgBase(env, variable, fallback), 'progress');
}

/** XDG says that relative values are to be ignored. */
function xdgBase(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const value = env[variable];
  return value && path.isAbsolute(value) ? value : path.join(homeOf(env), fallback);
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env['HOME'] ?? userInfo().homedir;
}

/** Where execvp(3) looks without a PATH. */
export const DEFAULT_PATH = '/usr/local/bin:/bin:/usr/bin';

/** Every program of that name that `PATH` leads to, in its order. */
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

/** For paths too long for a socket: short, ours alone (the daemon checks its owner and mode), the same for every client. */
function shortDirectory(state: string): string {
  const digest = createHash('sha256').update(state).digest('hex').slice(0, 16);
  return path.join(tmpdir(), `progress-${userInfo().uid}-${digest}`);
}
