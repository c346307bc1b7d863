/**
 * Samples the resource usage of live runs: often while a subscriber wants it, less often for a rule of alerts, else rarely.
 *
 * Figures of process trees come from one scan of /proc for all runs: every 2 s while a subscriber wants them,
 * otherwise every 30 s, and never without a live run. The CPU share is the higher of two: what pidusage reports of the
 * living processes misses those that came and ended between two scans, the growth of the tree's CPU time misses those
 * that left it. pidusage keeps a descriptor for each process, and leaks it when the process dies during the first
 * query, so it is asked only about processes that were present at the scan before, and about a bounded number.
 */
import pidusage from 'pidusage';
import type { Clock } from '../../core/base/clock.js';
import { realClock } from '../../core/base/clock.js';
import type { ExecutionEvent, NewEvent } from '../../core/events/event.js';
import type { ProcessIdentity, ProcessInfo } from '../../platform/processes.js';
import { readProcesses, readRss, treesOf } from '../../platform/processes.js';
import type { Component } from '../component.js';

export interface ResourcesOptions {
  live: () => readonly { id: string; child: ProcessIdentity }[];
  /** Whether a subscriber receives the samples of this execution. */
  isWatched: (id: string) => boolean;
  /** Whether a rule of alerts depends on the samples of this execution. */
  isNeeded: (id: string) => boolean;
  record: (event: NewEvent) => void;
  clock?: Clock;
}

/** As `Resources` of an execution; `cpu` is unknown in the first sample. */
interface Figures {
  cpu: number | undefined;
  rss: number;
  processes: number;
  peakRss: number;
  cpuSeconds: number;
}

/** State of one run between two samples. */
interface Track {
  at: number;
  /** Never decreases, though processes end whose time was not collected by a parent. */
  cpuMs: number;
  peakRss: number;
  recorded?: Figures;
}

const WATCHED_MS = 2_000;
/** Rules usually wait for a minute or more. */
const RULE_MS = 10_000;
const UNWATCHED_MS = 30_000;
/** Delay after a cause to sample: several causes come together, and a command begins with a shell that is replaced. */
const SOON_MS = 200;
/** Least time between two samples: processor time is counted in hundredths of a second. */
const GAP_MS = 1_000;
/** pidusage keeps a descriptor for each process for one and a half times this. */
const MAXAGE_MS = 5_000;
/** Processes that pidusage is asked about: connections and files need descriptors as well. */
const MAX_ASKED = 256;

const STARTS: ReadonlySet<string> = new Set(['execution_started', 'execution_orphaned']);

export class ResourceSampler implements Component {
  readonly #options: ResourcesOptions;
  readonly #clock: Clock;
  readonly #tracks = new Map<string, Track>();
  /** Processes of the previous sample. */
  #known: ReadonlySet<string> = new Set();
  #next: { at: number; cancel: () => void } | undefined;
  #sampledAt = -Infinity;
  #isSampling = false;
  #isClosed = false;

  constructor(options: ResourcesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
  }

  onBatch(events: readonly ExecutionEvent[]): void {
    if (events.some(({ type }) => STARTS.has(type))) this.check();
  }

  close(): void {
    this.#isClosed = true;
    this.#next?.cancel();
  }

  /** Samples soon. Call it when a run may have become live, or a subscriber may have begun to watch. */
  check(): void {
    if (this.#options.live().length > 0) this.#schedule(this.#clock.now() + SOON_MS);
  }

  #schedule(wanted: number): void {
    const at = Math.max(wanted, this.#sampledAt + GAP_MS);
    if (this.#isClosed || (this.#next && this.#next.at <= at)) return;
    this.#next?.cancel();
    const cancel = this.#clock.after(at - this.#clock.now(), () => {
      this.#next = undefined;
      if (this.#isSampling) this.#schedule(at + GAP_MS);
      else void this.#sample();
    });
    this.#next = { at, cancel };
  }

  async #sample(): Promise<void> {
    this.#isSampling = true;
    this.#sampledAt = this.#clock.now();
    const runs = this.#options.live();
    const ids = new Set(runs.map(({ id }) => id));
    for (const id of this.#tracks.keys()) if (!ids.has(id)) this.#tracks.delete(id);

    const trees = treesOfRuns(runs);
    const members = new Map([...trees.values()].flat().map((process) => [nameOf(process), process]));
    const usage = await usageOf([...members].filter(([name]) => this.#known.has(name)).map(([, { pid }]) => pid));
    this.#known = new Set(members.keys());
    this.#isSampling = false;
    if (this.#isClosed) return;

    // runs that have ended meanwhile have reported more than this
    for (const { id } of this.#options.live()) this.#take(id, trees.get(id) ?? [], usage);
    if (runs.length > 0) this.#schedule(this.#sampledAt + this.#intervalOf(runs));
  }

  #intervalOf(runs: readonly { id: string }[]): number {
    const { isWatched, isNeeded } = this.#options;
    if ([...this.#tracks.values()].some(({ recorded }) => recorded?.cpu === undefined)) return GAP_MS;
    if (runs.some(({ id }) => isWatched(id))) return WATCHED_MS;
    return runs.some(({ id }) => isNeeded(id)) ? RULE_MS : UNWATCHED_MS;
  }

  #take(id: string, tree: readonly ProcessInfo[], usage: Usage): void {
    if (tree.length === 0) return;
    const before = this.#tracks.get(id);
    const recorded = before?.recorded;
    const cpuMs = Math.max(
      before?.cpuMs ?? 0,
      sum(tree, (process) => process.cpuMs),
    );
    const rss = sum(tree, ({ pid }) => usage[pid]?.memory ?? readRss(pid));
    const peakRss = Math.max(before?.peakRss ?? 0, rss);
    const track: Track = { at: this.#sampledAt, cpuMs, peakRss, ...(recorded && { recorded }) };
    this.#tracks.set(id, track);
    const figures: Figures = {
      cpu: before && cpuOf(tree, usage, cpuMs - before.cpuMs, track.at - before.at),
      rss,
      processes: tree.length,
      peakRss,
      cpuSeconds: Math.round(cpuMs / 100) / 10,
    };
    if (recorded && !isNoticeable(recorded, figures)) return;
    track.recorded = figures;
    this.#options.record({ type: 'resource_update', execution: id, data: { ...figures } });
  }
}

/** Process trees by run, from one scan of all processes. */
function treesOfRuns(runs: readonly { id: string; child: ProcessIdentity }[]): Map<string, ProcessInfo[]> {
  if (runs.length === 0) return new Map();
  const processes = readProcesses();
  const starts = new Map(processes.map(({ pid, start }) => [pid, start]));
  const treeOf = treesOf(processes);
  // another process may have its PID by now
  const isOther = ({ pid, start }: ProcessIdentity) => (starts.get(pid) ?? start) !== start;
  return new Map(runs.map(({ id, child }) => [id, isOther(child) ? [] : treeOf(child.pid)]));
}

/** Identifies a process since the machine started. */
function nameOf({ pid, start }: ProcessInfo): string {
  return `${pid} ${start}`;
}

type Usage = Readonly<Record<number, { cpu: number; memory: number } | null | undefined>>;

/**
 * Reads the usage of processes. Ask only about processes of the previous sample: a first figure means nothing, and a
 * process that dies during its first query leaks a descriptor. Processes that have ended are absent or null.
 */
export async function usageOf(pids: number[]): Promise<Usage> {
  try {
    return await pidusage(pids.slice(0, MAX_ASKED), { maxage: MAXAGE_MS, usePs: false });
  } catch {
    // all of them have ended, or there were none
    return {};
  }
}

/**
 * Percent of one core, by the higher of two measures: the first misses processes that came and ended, the second those
 * that left the tree.
 */
function cpuOf(tree: readonly ProcessInfo[], usage: Usage, usedMs: number, elapsedMs: number): number {
  const ofLiving = sum(tree, ({ pid }) => usage[pid]?.cpu ?? 0);
  return Math.round(Math.max(ofLiving, (usedMs / elapsedMs) * 100));
}

/** Whether figures deserve an event: repeated ones would fill the journal. */
function isNoticeable(before: Figures, now: Figures): boolean {
  return (
    before.cpu === undefined ||
    before.processes !== now.processes ||
    differs(before.cpu, now.cpu ?? 0, 2) ||
    differs(before.rss, now.rss, 256 * 1_024) ||
    differs(before.cpuSeconds, now.cpuSeconds, 1)
  );
}

/** Whether a figure differs by more than 5 percent and by more than `least`. */
function differs(before: number, after: number, least: number): boolean {
  return Math.abs(after - before) > Math.max(least, before / 20);
}

function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
