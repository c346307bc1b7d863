/** Follows the session files of agents that the configuration names or a client has requested. */
import type { State } from '../../core/state/state.js';
import type { Config } from '../../config/load.js';
import type { Agent } from '../../core/agents.js';
import { AGENTS } from '../../core/agents.js';
import type { FollowStatus } from '../../api/messages.js';
import { hookedSessions, SessionWatcher } from '../../agents/sessions/session-watcher.js';
import type { AgentPaths } from '../../agents/agent-paths.js';
import type { ProcessRegistries } from '../../agents/process-registries.js';
import { type Intake, receiptOf } from '../intake/intake.js';
import type { Component } from '../component.js';
import type { Log } from '../daemon-log.js';

type FollowConfig = Pick<Config, 'follow' | 'journal'>;

export interface SessionWatchersOptions {
  /** Directories of session files. */
  agents: Readonly<Record<Agent, Pick<AgentPaths, 'sessions'>>>;
  config: FollowConfig;
  intake: Intake;
  state: State;
  registries: ProcessRegistries;
  log: Log;
  now: () => number;
}

export class SessionWatchers implements Component {
  readonly #options: SessionWatchersOptions;
  readonly #producer;
  readonly #followers = new Map<Agent, SessionWatcher>();
  /** Watchers of agents that are not followed: they read only files that hooks name. */
  readonly #named = new Map<Agent, SessionWatcher>();
  #settings: Config['follow'];
  #isClosed = false;

  constructor(options: SessionWatchersOptions) {
    this.#options = options;
    this.#settings = settingsOf(options.config);
    this.#producer = options.intake.producer('session files');
  }

  start(): void {
    for (const agent of AGENTS) {
      if (this.#settings[agent]) this.#follow(agent);
      else this.#readNamed(agent);
    }
  }

  /** Applies changes; what a client has requested stays where the configuration has not changed. */
  async configure(config: FollowConfig): Promise<void> {
    const before = this.#settings;
    const settings = settingsOf(config);
    this.#settings = settings;
    const isRestart = settings.backfill !== before.backfill || settings.silence !== before.silence;
    for (const agent of AGENTS) {
      const isOn = settings[agent] === before[agent] ? this.#followers.has(agent) : settings[agent];
      if (!isOn || isRestart) await this.#unfollow(agent);
      if (isOn) this.#follow(agent);
    }
  }

  /** Starts or stops following an agent until the daemon ends. */
  async follow(agent: Agent, on: boolean): Promise<void> {
    if (on) this.#follow(agent);
    else await this.#unfollow(agent);
  }

  status(): FollowStatus[] {
    return AGENTS.map((agent) => {
      const follower = this.#followers.get(agent);
      const { agents } = this.#options;
      const where = { agent, configured: this.#settings[agent], directory: agents[agent].sessions };
      return { ...where, following: follower !== undefined, ...(follower?.status() ?? { files: 0, skipped: [] }) };
    });
  }

  /** Reads a file that a hook call names, for the tokens that hooks do not report. */
  name(name: string, path: string, session: string): void {
    const agent = AGENTS.find((known) => known === name);
    if (agent === undefined || this.#isClosed) return;
    const watcher = this.#followers.get(agent) ?? this.#named.get(agent) ?? this.#create(agent, true);
    if (!this.#followers.has(agent)) this.#named.set(agent, watcher);
    watcher.name(path, session);
  }

  /** Whether this source is still read. */
  isOpen(source: string): boolean {
    return this.#all().some((watcher) => watcher.isOpen(source));
  }

  onDrain(): void {
    for (const watcher of this.#all()) watcher.resume();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#all().map((watcher) => watcher.close()));
    this.#followers.clear();
    this.#named.clear();
  }

  #all(): SessionWatcher[] {
    return [...this.#followers.values(), ...this.#named.values()];
  }

  #follow(agent: Agent): void {
    const { log, agents } = this.#options;
    if (this.#followers.has(agent)) return;
    void this.#named.get(agent)?.close();
    this.#named.delete(agent);
    this.#followers.set(agent, this.#create(agent, false));
    log(`following the sessions of ${agent} in ${agents[agent].sessions}`);
  }

  async #unfollow(agent: Agent): Promise<void> {
    const follower = this.#followers.get(agent);
    this.#followers.delete(agent);
    await follower?.close();
    this.#readNamed(agent);
  }

  /** Reads files of open sessions that hooks have named before. */
  #readNamed(agent: Agent): void {
    if (this.#followers.has(agent) || this.#named.has(agent) || this.#isClosed) return;
    if (hookedSessions(this.#options.state, agent).length > 0) this.#named.set(agent, this.#create(agent, true));
  }

  #create(agent: Agent, isNamed: boolean): SessionWatcher {
    const { agents, state, registries, log, now } = this.#options;
    const producer = this.#producer;
    return new SessionWatcher({
      isNamed,
      agent,
      root: agents[agent].sessions,
      backfillMs: this.#settings.backfill,
      inactivityMs: this.#settings.silence,
      state,
      registry: registries.get(agent),
      takenOf: (source) => state.sources.get(source)?.n,
      isFull: () => producer.isFull,
      submit(events, bytes, receipt) {
        const admitted = events.map((event) => producer.admit(event));
        producer.submitTogether(admitted, bytes, producer.originOf(receiptOf(receipt)));
      },
      submitDeferred: (make, receipt) =>
        producer.submitDeferred({ type: 'attention', data: {} }, make, 0, producer.originOf(receiptOf(receipt))),
      log,
      now,
    });
  }
}

/** Bounds the backfill by retention: events that were removed for their age would be read again. */
function settingsOf({ follow, journal }: FollowConfig): Config['follow'] {
  return { ...follow, backfill: Math.min(follow.backfill, journal.retainAge) };
}
