/** The spool as a producer: reads its files into the journal, each event after those of other files that it needs. */
import type { Entrance } from '../../core/routing/route.js';
import type { NewEvent } from '../../core/events/event.js';
import { EXECUTION_ENDS, textOf } from '../../core/events/event.js';
import { STARTS } from '../../core/events/event.js';
import type { State } from '../../core/state/state.js';
import { findExecution } from '../../core/state/state.js';
import { HOOK_TYPE } from '../../agents/hook-call.js';
import type { SpoolStatus } from '../../api/messages.js';
import type { Paths } from '../../platform/paths.js';
import { ensurePrivateDirectory } from '../../platform/private-directory.js';
import { createSenderLookup } from '../../platform/senders.js';
import type { SpoolName } from '../../spool/names.js';
import { RUN_KIND, SCRIPT_KIND } from '../../spool/names.js';
import type { Spool, SpoolOptions } from '../../spool/spool.js';
import { openSpool } from '../../spool/spool.js';
import type { Component } from '../component.js';
import type { Log } from '../daemon-log.js';
import { type Intake, type Producer, receiptOf } from './intake.js';
import { createSecretTest } from './mask.js';
import { dropForeignParent } from './shell-parent.js';

export interface SpoolIntakeOptions {
  paths: Pick<Paths, 'spool'>;
  state: State;
  intake: Intake;
  /** Converts an agent's hook call to events, on the state of everything before it. */
  eventsOfHook: (line: NewEvent) => NewEvent[];
  /** The newest event of the journal, and the newest that counts as safe from power loss. */
  position: () => { seq: number; synced: number };
  /** The newest event that is on disk. */
  syncedSeq: () => number;
  /** Additional patterns of secrets. */
  masks: () => readonly string[];
  reject: (code: string) => void;
  log: Log;
  now: () => number;
}

type WriterGoneListener = (source: string, reason: string) => void;
type SpoolSubmit = SpoolOptions['submit'];

/** Commands that identify themselves by their process share a file with everything else that appends to the spool. */
const SHARED_FILE: Entrance = { name: 'spool', isShared: true };

export class SpoolIntake implements Component {
  readonly #options: SpoolIntakeOptions;
  readonly #producer: Producer;
  readonly #isSecret: (event: NewEvent) => boolean;
  readonly #lookUpSender = createSenderLookup();
  readonly #writerGone: WriterGoneListener[] = [];
  #spool: Spool | undefined;

  constructor(options: SpoolIntakeOptions) {
    this.#options = options;
    this.#producer = options.intake.producer('spool');
    this.#isSecret = createSecretTest(options.masks);
    options.intake.beforeEnd(() => this.#spool?.catchUp());
  }

  /** Registers a listener for sources whose writer has ended and whose events are all in the journal. */
  onWriterGone(listener: WriterGoneListener): void {
    this.#writerGone.push(listener);
  }

  start(): void {
    const { paths, state, position, syncedSeq, masks, reject, log, now } = this.#options;
    this.#spool = openSpool({
      directory: paths.spool,
      ensureDirectory: () => ensurePrivateDirectory(paths.spool),
      takenOf: (source) => state.sources.get(source)?.n,
      hasOpen: (source) => (state.sources.get(source)?.open.length ?? 0) > 0,
      isSynced: (source) => (state.sources.get(source)?.lastSeq ?? 0) <= syncedSeq(),
      position,
      createSecretTest: () => createSecretTest(masks),
      isFull: () => this.#producer.isFull,
      submit: (...line) => this.#submit(...line),
      onWriterGone: (source, reason) => this.#writerGone.forEach((listener) => listener(source, reason)),
      reject,
      log,
      now,
    });
  }

  onDrain(): void {
    this.#spool?.resume();
  }

  async close(): Promise<void> {
    await this.#spool?.close();
  }

  /** Whether this source is still read: then its position must be kept. */
  isOpen(source: string): boolean {
    return this.#spool?.isOpen(source) ?? false;
  }

  /** Reads what a source has in the spool. Returns true when nothing is left. */
  drainSource(source: string): boolean {
    return this.#spool?.readSource(source) ?? false;
  }

  /** Reads every file up to its present end, a bounded amount of each. */
  readAll(): void {
    this.#spool?.readAhead(() => true);
  }

  /** Blanks lines with secrets that the journal has synced. Also works after `close`. */
  async eraseSecrets(): Promise<void> {
    await this.#spool?.eraseSecrets();
  }

  /** Blanks all lines that the journal has, after `sync`. Also works after `close`. */
  async eraseTaken(sync: () => Promise<void>): Promise<void> {
    await this.#spool?.eraseTaken(sync);
  }

  status(): SpoolStatus {
    return this.#spool?.status() ?? { files: 0, skipped: [] };
  }

  /** Returns whether the line is to be blanked when the journal has it. */
  #submit(...[event, bytes, receipt, isShared]: Parameters<SpoolSubmit>): boolean {
    const producer = this.#producer;
    if (event.sender && (event.execution === undefined || event.inherited)) {
      event.sender = this.#lookUpSender(event.sender);
    }
    const origin = producer.originOf(receiptOf(receipt), isShared ? SHARED_FILE : undefined);
    this.#readPrerequisites(event);
    if (!isShared) dropForeignParent(event, this.#options.state);
    const isIgnored = producer.isIgnored(event);
    if (isIgnored || namesHookFile(event)) {
      // a deferred event without replacements counts as taken only after everything before it
      producer.submitDeferred(event, () => [], bytes, origin);
      return isIgnored;
    }
    if (event.type === HOOK_TYPE) {
      const isToBlank = this.#isSecret(event);
      producer.submitDeferred(event, () => this.#options.eventsOfHook(event), bytes, origin);
      return isToBlank;
    }
    const admitted = producer.admit(event);
    producer.submit(admitted, bytes, origin);
    return admitted !== event;
  }

  /**
   * Reads what belongs before an event of another file: the payload file of a hook call, the run of a task, and what
   * happened inside a run before its end.
   */
  #readPrerequisites(event: NewEvent): void {
    const { type, source, data } = event;
    if (namesHookFile(event)) this.#spool?.readHookFile(String(data['file']));
    const parent = STARTS.has(type) ? textOf(data, 'parent') : undefined;
    if (parent !== undefined && !findExecution(this.#options.state, parent)) {
      this.#readAhead(({ kind, source: run }) => kind === RUN_KIND && run.endsWith(`-${parent}`));
    }
    if (source?.startsWith(`${RUN_KIND}-`) && Object.hasOwn(EXECUTION_ENDS, type)) {
      this.#spool?.catchUp();
      this.#readAhead(({ kind }) => kind === SCRIPT_KIND);
    }
  }

  #readAhead(isWanted: (name: SpoolName) => boolean): void {
    this.#spool?.readAhead(isWanted);
  }
}

/** Whether a hook's line only names the file that holds its payload. */
function namesHookFile({ type, data }: NewEvent): boolean {
  return type === HOOK_TYPE && typeof data['file'] === 'string';
}
