/**
 * What live runs use, as figures of whole process trees: often while somebody looks, less while a rule does, else rarely.
 *
 * Figures of process trees come from one scan of /proc for all runs: every 2 s while a subscriber wants them,
 * otherwise every 30 s, and never without a live run. The CPU share is the higher of two: what pidusage reports of the
 * living processes misses those that came and ended between two scans, the growth of the tree's CPU time misses those
 * that left it. pidusage keeps a descriptor for each process, and leaks it when the process dies during the first
 * query, so it is asked only about processes that were present at the scan before, and about a bounded number.
 */
import pidusage from 'pidusage';
import type { Clock } from '../../core/clock.js';
import { realClock } from '../../core/clock.js';
import type { ExecutionEvent, NewEvent } from '../../core/event.js';
import type { ProcessIdentity, ProcessInfo } from '../../platform/processes.js';
import { readProcesses, readRss, treesOf } from '../../platform/processes.js';

export interface ResourceSampler {
  /** A run may have become live, or somebody may have begun to look. */
  check(): void;
  /** These were written, and are in the state. */
  onBatch(events: readonly ExecutionEvent[]): void;
  close(): void;
}

export interface ResourcesOptions {
  live: () => readonly { id: string; child: ProcessIdentity }[];
  /** Is somebody sent what is said of this execution? */
  isWatched: (id: string) => boolean;
  /** Does a rule of alerts look at what it uses? */
  isJudged: (id: string) => boolean;
  record: (event: NewEvent) => void;
  clock?: Clock;
}

/** As `Resources` of an execution; `cpu` is not known at the first look. */
interface Figures {
  cpu: number | undefined;
  rss: number;
  processes: number;
  peakRss: number;
  cpuSeconds: number;
}

/** What is remembered of a run from one look to the next. */
interface Track {
  at: number;
  /** Never less than before, though processes go that nobody has waited for. */
  cpuMs: number;
  peakRss: number;
  told?: Figures;
}

const WATCHED_MS = 2_000;
/** The least that a rule waits for is a minute, as a rule. */
const JUDGED_MS = 10_000;
const UNWATCHED_MS = 30_000;
/** After a cause to look: several come together, and a command begins with a shell that becomes something else. */
const SOON_MS = 200;
/** Between two looks: a share of less time is no figure, as processors' time is counted in hundredths. */
const GAP_MS = 1_000;
/** It keeps a descriptor for each process that it was asked about for this long and half of it. */
const MAXAGE_MS = 5_000;
/** Descriptors are needed for connections and files too: of processes beyond it the memory is read without keeping any. */
const MAX_ASKED = 256;

export function createResources({
  live,
  isWatched,
  isJudged,
  record,
  clock = realClock,
}: ResourcesOptions): ResourceSampler {
  const tracks = new Map<string, Track>();
  let known: ReadonlySet<string> = new Set();
  let due: { at: number; cancel: () => void } | undefined;
  let lookedAt = -Infinity;
  let busy = false;
  let closed = false;

  const schedule = (wanted: number) => {
    const at = Math.max(wanted, lookedAt + GAP_MS);
    if (closed || (due && due.at <= at)) return;
    due?.cancel();
    const cancel = clock.after(at - clock.now(), () => {
      due = undefined;
      if (busy) schedule(at + GAP_MS);
      else void sample();
    });
    due = { at, cancel };
  };

  const sample = async () => {
    busy = true;
    lookedAt = clock.now();
    const runs = live();
    const ids = new Set(runs.map(({ id }) => id));
    for (const id of tracks.keys()) if (!ids.has(id)) tracks.delete(id);

    const trees = treesOfRuns(runs);
    const members = new Map([...trees.values()].flat().map((process) => [nameOf(process), process]));
    const usage = await usageOf([...members].filter(([name]) => known.has(name)).map(([, { pid }]) => pid));
    known = new Set(members.keys());
    busy = false;
    if (closed) return;

    // those that have ended meanwhile have told more than this
    for (const { id } of live()) take(id, trees.get(id) ?? [], usage);
    if (runs.length === 0) return;
    const isNew = [...tracks.values()].some(({ told }) => told?.cpu === undefined);
    const isSeen = runs.some(({ id }) => isWatched(id));
    const rarely = runs.some(({ id }) => isJudged(id)) ? JUDGED_MS : UNWATCHED_MS;
    schedule(lookedAt + (isNew ? GAP_MS : isSeen ? WATCHED_MS : rarely));
  };

  const take = (id: string, tree: readonly ProcessInfo[], usage: Usage) => {
    if (tree.length === 0) return;
    const before = tracks.get(id);
    const told = before?.told;
    const cpuMs = Math.max(
      before?.cpuMs ?? 0,
      sum(tree, (process) => process.cpuMs),
    );
    const rss = sum(tree, ({ pid }) => usage[pid]?.memory ?? readRss(pid));
    const track: Track = { at: lookedAt, cpuMs, peakRss: Math.max(before?.peakRss ?? 0, rss), ...(told && { told }) };
    tracks.set(id, track);
    const figures: Figures = {
      cpu: before && cpuOf(tree, usage, cpuMs - before.cpuMs, track.at - before.at),
      rss,
      processes: tree.length,
      peakRss: track.peakRss,
      cpuSeconds: Math.round(cpuMs / 100) / 10,
    };
    if (told && !isNoticeable(told, figures)) return;
    track.told = figures;
    record({ type: 'resource_update', execution: id, data: { ...figures } });
  };

  const look = () => {
    if (live().length > 0) schedule(clock.now() + SOON_MS);
  };

  return {
    check: look,
    onBatch(events) {
      if (events.some(({ type }) => STARTS.has(type))) look();
    },
    close() {
      closed = true;
      due?.cancel();
    },
  };
}

const STARTS: ReadonlySet<string> = new Set(['execution_started', 'execution_orphaned']);

/** By run, out of one look at all processes. */
function treesOfRuns(runs: readonly { id: string; child: ProcessIdentity }[]): Map<string, ProcessInfo[]> {
  if (runs.length === 0) return new Map();
  const processes = readProcesses();
  const starts = new Map(processes.map(({ pid, start }) => [pid, start]));
  const treeOf = treesOf(processes);
  // its number may be another's by now
  const isOther = ({ pid, start }: ProcessIdentity) => (starts.get(pid) ?? start) !== start;
  return new Map(runs.map(({ id, child }) => [id, isOther(child) ? [] : treeOf(child.pid)]));
}

/** A process and no other, since the machine started. */
function nameOf({ pid, start }: ProcessInfo): string {
  return `${pid} ${start}`;
}

type Usage = Readonly<Record<number, { cpu: number; memory: number } | null | undefined>>;

/**
 * Ask only about processes that were there at the last look: a first figure means nothing, and what dies while it is
 * asked about for the first time leaves a descriptor open. Nothing or null for those that have ended.
 */
export async function usageOf(pids: number[]): Promise<Usage> {
  try {
    return await pidusage(pids.slice(0, MAX_ASKED), { maxage: MAXAGE_MS, usePs: false });
  } catch {
    // all of them have ended, or there were none
    return {};
  }
}

/** Percent of one core. Each way misses something: the first what has come and gone, the second what has left the tree. */
function cpuOf(tree: readonly ProcessInfo[], usage: Usage, usedMs: number, elapsedMs: number): number {
  const ofLiving = sum(tree, ({ pid }) => usage[pid]?.cpu ?? 0);
  return Math.round(Math.max(ofLiving, (usedMs / elapsedMs) * 100));
}

/** Worth a line of the journal: figures that repeat themselves would fill it. */
function isNoticeable(told: Figures, now: Figures): boolean {
  return (
    told.cpu === undefined ||
    told.processes !== now.processes ||
    differs(told.cpu, now.cpu ?? 0, 2) ||
    differs(told.rss, now.rss, 256 * 1_024) ||
    differs(told.cpuSeconds, now.cpuSeconds, 1)
  );
}

/** By more than one part in twenty, and than `least`. */
function differs(before: number, after: number, least: number): boolean {
  return Math.abs(after - before) > Math.max(least, before / 20);
}

function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
