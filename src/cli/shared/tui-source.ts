/** What the full screen shows and does, by way of the daemon. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { announce } from '../../client/announce.js';
import type { Client } from '../../client/client.js';
import { withClient } from '../../client/connect.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import type { LogLine } from '../../core/events/log.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import type { LogPage, TuiSource } from '../../terminal/tui/page.js';
import { repeatSpec } from '../../runner/spec.js';
import { startDetached } from '../../runner/start-detached.js';
import { readSpec } from '../../runner/store.js';
import { DEFAULT_DETACH_KEYS } from '../commands/attach/detach-keys.js';
import { createArchive, writeArchive } from '../commands/export/archive.js';
import type { CommandContext } from '../command.js';
import { commandActor } from '../control/actor.js';
import { findAnywhere } from './offline.js';
import { printLines } from './output.js';
import { PROGRAM_FILE } from './program-file.js';
import { openBrowser } from './browser.js';
import type { LiveModel } from './live-model.js';
import { openLiveModel } from './live-model.js';

export interface TuiSourceOptions {
  /** Messages per second. */
  rate: number;
  onChange: () => void;
  onEvents: (events: readonly ExecutionEvent[]) => void;
}

export interface DaemonTuiSource extends TuiSource {
  /** The execution that is open, as it is now. */
  shown(): Execution | undefined;
  close(): Promise<void>;
}

/** Opens the source. Only the first snapshot can fail. */
export async function openTuiSource(context: CommandContext, options: TuiSourceOptions): Promise<DaemonTuiSource> {
  const abort = new AbortController();
  const list = await openLiveModel({
    paths: context.paths,
    all: true,
    isBrief: true,
    rate: options.rate,
    signal: abort.signal,
    onChange(events) {
      options.onEvents(events);
      options.onChange();
    },
  });
  return new TuiDaemon(context, options, list, abort);
}

/** The execution that is open. Its output is not streamed: only the newest lines are read, however fast the log grows. */
interface Opened {
  id: string;
  abort: AbortController;
  /** Only if the list has no more than a summary of it. */
  model?: LiveModel;
  newest?: LogPage;
}

/** Interval of reads of the newest lines: while the log grows, and while it does not. */
const POLL_MS = { growing: 200, quiet: 500 };
/** Lines of a read: those of a high screen. */
const NEWEST_LINES = 200;

class TuiDaemon implements DaemonTuiSource {
  readonly #context: CommandContext;
  readonly #options: TuiSourceOptions;
  readonly #list: LiveModel;
  readonly #abort: AbortController;
  #opened: Opened | undefined;

  constructor(context: CommandContext, options: TuiSourceOptions, list: LiveModel, abort: AbortController) {
    this.#context = context;
    this.#options = options;
    this.#list = list;
    this.#abort = abort;
  }

  executions(): readonly Execution[] {
    return this.#list.executions();
  }

  find(id: string): Execution | undefined {
    const opened = this.#opened?.id === id ? this.#opened : undefined;
    const execution = opened?.model?.find(id) ?? this.#list.find(id);
    // without its output, the model cannot count the lines
    return execution && opened?.newest ? { ...execution, lines: opened.newest.total } : execution;
  }

  recentLines(id: string): readonly LogLine[] {
    return this.#opened?.id === id ? (this.#opened.newest?.lines ?? []) : [];
  }

  now(): number {
    const connection = this.connection();
    return connection.state === 'lost' ? Math.min(Date.now(), connection.since) : Date.now();
  }

  connection(): LiveModel['connection'] {
    return this.#list.connection;
  }

  shown(): Execution | undefined {
    return this.#opened && this.find(this.#opened.id);
  }

  follow(id: string | undefined): void {
    this.#opened?.abort.abort();
    this.#opened = undefined;
    if (id === undefined) return;
    const opened: Opened = { id, abort: new AbortController() };
    this.#opened = opened;
    const listed = this.#list.find(id);
    if (!listed || listed.summarised) void this.#open(opened);
    void this.#poll(opened);
  }

  async log(id: string, from: number, limit: number): ReturnType<TuiSource['log']> {
    return await this.#call((client) => client.call('log', { execution: id, from, limit }));
  }

  async search(id: string, search: Parameters<TuiSource['search']>[1]): ReturnType<TuiSource['search']> {
    return await this.#call((client) => client.call('search', { ...search, execution: id }));
  }

  async timeline(id: string): ReturnType<TuiSource['timeline']> {
    return await this.#call((client) => client.call('timeline', { execution: id }));
  }

  async queues(): ReturnType<TuiSource['queues']> {
    return (await this.#call((client) => client.call('queues', {}))).queues;
  }

  async control(id: string, action: Parameters<TuiSource['control']>[1]): Promise<void> {
    const by = commandActor(this.#context.env);
    // the daemon dismisses what has no runner when it is to be stopped
    const request = { execution: id, action: action === 'dismiss' ? ('stop' as const) : action, by };
    await this.#call((client) => client.call('control', request));
  }

  async rerun(id: string, words?: readonly string[]): Promise<string> {
    const [file, ...args] = words ?? [];
    if (file !== undefined) return await this.#runEdited(id, [file, ...args]);
    return (await this.#call((client) => client.call('rerun', { execution: id }))).execution;
  }

  async attach(id: string): Promise<string> {
    await printLines([`Attached to ${id}; ${DEFAULT_DETACH_KEYS} detaches`]);
    const child = spawn(process.execPath, [PROGRAM_FILE, 'attach', id], { stdio: ['inherit', 'inherit', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    await once(child, 'close');
    return complaint.trim();
  }

  async exportArchive(id: string, file: string, force: boolean): Promise<boolean> {
    const { paths, env } = this.#context;
    const execution = await findAnywhere(paths, id);
    // a gap is recorded in the archive
    const { archive } = await createArchive([execution], { paths, env, redact: false, onGap: () => undefined });
    return await writeArchive(path.resolve(file), archive, force);
  }

  async setQueue(name: string, change: { slots?: number; paused?: boolean }): Promise<void> {
    const data = { name, ...change, by: commandActor(this.#context.env) };
    await this.#call((client) => client.call('emit', { event: { type: 'queue_changed', data } }));
  }

  async moveInQueue(id: string, position: number): Promise<void> {
    const by = commandActor(this.#context.env);
    await this.#call((client) => client.call('move', { execution: id, position, by }));
  }

  async openBrowser(id: string): Promise<string> {
    const { url, code, page } = await this.#call((client) => client.call('web', { on: true, execution: id }));
    const address = `${url ?? ''}#c=${code ?? ''}`;
    openBrowser(page ?? address, this.#context.env);
    return address;
  }

  async close(): Promise<void> {
    this.#opened?.abort.abort();
    this.#abort.abort();
    await Promise.all([this.#list.done, this.#opened?.model?.done]);
  }

  /** Runs other words in the place of a run: same directory, environment and options, but not its repetition. */
  async #runEdited(id: string, argv: [string, ...string[]]): Promise<string> {
    const { paths } = this.#context;
    const { rerunOf: _rerunOf, ...spec } = repeatSpec({ ...readSpec(paths, id), argv }, {}, paths);
    await startDetached(paths, spec, (event) => announce(paths, event));
    return spec.id;
  }

  async #open(opened: Opened): Promise<void> {
    const { rate, onChange } = this.#options;
    const { id, abort } = opened;
    try {
      opened.model = await openLiveModel({
        paths: this.#context.paths,
        execution: id,
        isBrief: true,
        rate,
        signal: abort.signal,
        onChange,
      });
    } catch {
      // the list has its state; the log says why it cannot be read
    }
    onChange();
  }

  /** Reads the newest lines until the execution has ended. */
  async #poll(opened: Opened): Promise<void> {
    const { id, abort } = opened;
    for (let isOver = false; !isOver && !abort.signal.aborted;) {
      const { status } = this.find(id) ?? {};
      isOver = status !== undefined && isFinal(status);
      const before = opened.newest?.total;
      try {
        opened.newest = await this.#call((client) => client.call('log', { execution: id, last: NEWEST_LINES }));
      } catch {
        // the log says why it cannot be read, and the head of the screen that there is no daemon
        isOver = false;
      }
      const hasGrown = opened.newest?.total !== before;
      if (hasGrown) this.#options.onChange();
      if (!isOver)
        await delay(hasGrown ? POLL_MS.growing : POLL_MS.quiet, undefined, { signal: abort.signal }).catch(
          () => undefined,
        );
    }
  }

  async #call<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    return await withClient({ paths: this.#context.paths, start: false }, ask);
  }
}
