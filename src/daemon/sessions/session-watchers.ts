/** Which agents' sessions are followed: those that the configuration names, and those that somebody has asked for. */
import type { State } from '../../core/state.js';
import type { Config } from '../../config/load.js';
import type { Paths } from '../../platform/paths.js';
import type { Agent } from '../../core/agents.js';
import { AGENTS } from '../../core/agents.js';
import type { FollowStatus } from '../../api/messages.js';
import type { SessionWatcher } from '../../agents/sessions/session-watcher.js';
import { createSessionWatcher, hookedSessions } from '../../agents/sessions/session-watcher.js';
import type { Registry } from '../../agents/claude/process-registry.js';
import { type Intake, receiptOf } from '../intake/intake.js';
import type { Log } from '../daemon-log.js';

export interface SessionWatchers {
  /** Follows those that the configuration names. */
  start(): void;
  /** Takes over what has changed; what somebody has asked for stays where the configuration is silent. */
  configure(config: FollowConfig): Promise<void>;
  /** Begins to follow this agent, or ends it, until this daemon ends. */
  follow(agent: Agent, on: boolean): Promise<void>;
  status(): FollowStatus[];
  /** Hooks have named a file of a session, which has the tokens that they do not tell. */
  name(agent: string, path: string, session: string): void;
  /** Is this source still being read? */
  isOpen(source: string): boolean;
  onDrain(): void;
  close(): Promise<void>;
}

type FollowConfig = Pick<Config, 'follow' | 'journal'>;

export interface SessionWatchersOptions {
  paths: Pick<Paths, 'sessions'>;
  config: FollowConfig;
  intake: Intake;
  state: State;
  /** Of Claude Code. */
  registry: Registry;
  log: Log;
  now: () => number;
}

export function createSessionWatchers(options: SessionWatchersOptions): SessionWatchers {
  const { paths, config, intake, state, registry, log, now } = options;
  let settings = settingsOf(config);
  const followers = new Map<Agent, SessionWatcher>();
  /** Of agents whose sessions are not followed: these read only files that hooks name. */
  const named = new Map<Agent, SessionWatcher>();
  const producer = intake.producer('session files');
  let isClosed = false;

  const create = (agent: Agent, isNamed: boolean): SessionWatcher =>
    createSessionWatcher({
      isNamed,
      agent,
      root: paths.sessions[agent],
      backfillMs: settings.backfill,
      silenceMs: settings.silence,
      state,
      registry: agent === 'claude' ? registry : undefined,
      takenOf: (source) => state.sources.get(source)?.n,
      isFull: () => producer.isFull,
      submit(events, bytes, receipt) {
        const admitted = events.map((event) => producer.admit(event));
        producer.submitTogether(admitted, bytes, producer.originOf(receiptOf(receipt)));
      },
      submitLate: (make, receipt) =>
        producer.submitDeferred({ type: 'attention', data: {} }, make, 0, producer.originOf(receiptOf(receipt))),
      log,
      now,
    });

  const start = (agent: Agent) => {
    if (followers.has(agent)) return;
    void named.get(agent)?.close();
    named.delete(agent);
    followers.set(agent, create(agent, false));
    log(`following the sessions of ${agent} in ${paths.sessions[agent]}`);
  };

  const all = () => [...followers.values(), ...named.values()];

  const stop = async (agent: Agent) => {
    const follower = followers.get(agent);
    followers.delete(agent);
    await follower?.close();
    startNamed(agent);
  };

  const startNamed = (agent: Agent) => {
    if (followers.has(agent) || named.has(agent) || isClosed || hookedSessions(state, agent).length === 0) return;
    named.set(agent, create(agent, true));
  };

  return {
    start() {
      for (const agent of AGENTS) (settings[agent] ? start : startNamed)(agent);
    },
    async configure(given) {
      const before = settings;
      settings = settingsOf(given);
      const isOther = settings.backfill !== before.backfill || settings.silence !== before.silence;
      for (const agent of AGENTS) {
        const isOn = settings[agent] === before[agent] ? followers.has(agent) : settings[agent];
        if (!isOn || isOther) await stop(agent);
        if (isOn) start(agent);
      }
    },
    async follow(agent, on) {
      if (on) start(agent);
      else await stop(agent);
    },
    status: () =>
      AGENTS.map((agent) => {
        const follower = followers.get(agent);
        const where = { agent, configured: settings[agent], directory: paths.sessions[agent] };
        return { ...where, following: follower !== undefined, ...(follower?.status() ?? { files: 0, leftAlone: [] }) };
      }),
    name(agent, path, session) {
      const known = AGENTS.find((one) => one === agent);
      if (known === undefined || isClosed) return;
      const follower = followers.get(known) ?? named.get(known) ?? create(known, true);
      if (!followers.has(known)) named.set(known, follower);
      follower.name(path, session);
    },
    isOpen: (source) => all().some((follower) => follower.isOpen(source)),
    onDrain() {
      for (const follower of all()) follower.resume();
    },
    async close() {
      isClosed = true;
      await Promise.all(all().map((follower) => follower.close()));
      followers.clear();
      named.clear();
    },
  };
}

/** What the journal has forgotten would be taken again. */
function settingsOf({ follow, journal }: FollowConfig): Config['follow'] {
  return { ...follow, backfill: Math.min(follow.backfill, journal.retainAge) };
}
