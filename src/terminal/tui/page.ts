/** What a page of the full screen is: lines, and the keys that work on it. */
import type { Ask, Replies } from '../../api/messages.js';
import type { LogLine } from '../../core/events/log.js';
import type { Execution } from '../../core/execution.js';
import type { QueueView } from '../../core/state/queues.js';
import type { Style } from '../style.js';
import type { ConnectionState } from '../view.js';

export interface PageSize {
  columns: number;
  rows: number;
}

/** A key, by its names as reported by the keyboard; the first one is shown in help. */
export interface KeyBinding {
  keys: readonly string[];
  /** One imperative line for the help page. */
  help: string;
  /** Short text for the footer; without it the key is listed in the help page only. */
  footer?: string;
  /** Whether the key does something now. @default always */
  when?: () => boolean;
  run: () => void;
}

export interface Page {
  lines(size: PageSize, style: Style): string[];
  bindings(): readonly KeyBinding[];
  /** Takes typed text while a field has the focus. @returns whether the key was taken */
  onText?(key: string): boolean;
  /** A click or turn of the wheel. Rows count from 0; `delta` is the number of lines of the wheel. */
  onMouse?(event: { row: number; column: number; delta: number }): void;
  /** Removes filters and marks. @returns whether there were any */
  clear?(): boolean;
  /** The page is shown no more. */
  close?(): void;
}

export type TuiAction = 'stop' | 'kill' | 'pause' | 'resume' | 'dismiss';

/** What the full screen knows and can do: the edge to the daemon. */
export interface TuiSource {
  executions(): readonly Execution[];
  find(id: string): Execution | undefined;
  /** Unix milliseconds. */
  now(): number;
  connection(): ConnectionState;
  /** Reads up to `limit` consecutive lines of a log from a line number on. */
  log(id: string, from: number, limit: number): Promise<LogPage>;
  /** The newest lines of the log of the execution that is followed, as far as known. */
  recentLines(id: string): readonly LogLine[];
  /** Finds the lines of a log that contain a text or match a regular expression. */
  search(id: string, search: TuiLogSearch): Promise<TuiSearchResult>;
  timeline(id: string): Promise<TimelineFacts>;
  queues(): Promise<readonly QueueView[]>;
  control(id: string, action: TuiAction): Promise<void>;
  /** Runs the stored command again, or other words in its place. @returns the ID of the new run */
  rerun(id: string, words?: readonly string[]): Promise<string>;
  /** Shows the terminal of a run, which this process must have left. @returns why it could not; else empty */
  attach(id: string): Promise<string>;
  /** Writes an archive. @returns false if the file exists and is not to be replaced */
  exportArchive(id: string, file: string, force: boolean): Promise<boolean>;
  setQueue(name: string, change: { slots?: number; paused?: boolean }): Promise<void>;
  /** Moves a waiting run to a position of its queue, from 1 on. */
  moveInQueue(id: string, position: number): Promise<void>;
  /** Opens the page of the execution in a browser. @returns its address */
  openBrowser(id: string): Promise<string>;
  /** Follows the output of one execution from now on, or of none. */
  follow(id: string | undefined): void;
}

export type LogPage = Pick<Replies['log'], 'lines' | 'total'>;
export type TuiLogSearch = Pick<Ask<'search'>, 'from' | 'text' | 'regex' | 'level' | 'stream' | 'step' | 'types'>;
export type TuiSearchResult = Pick<Replies['search'], 'ranges' | 'matched'>;
export type TimelineFacts = Pick<Replies['timeline'], 'steps' | 'samples'>;
