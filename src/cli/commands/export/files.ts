/** Files of an exported execution: its events, its transcript and its summary. */
import type { ExecutionEvent } from '../../../core/events/event.js';
import type { Execution } from '../../../core/execution.js';
import { executionFromJson, executionToJson } from '../../../core/execution.js';
import { EventMasker } from '../../../core/mask/mask.js';
import { redactEvent, type Redact } from '../../../core/mask/redact.js';
import { openSource, readJournal } from '../../../journal/reader.js';
import type { Gap } from '../../../api/messages.js';
import { showLines } from '../../../terminal/show.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { VERSION } from '../../../core/base/version.js';
import { isForDebuggers, SHOWN_TYPES, textFor } from '../logs/printer.js';
import type { TarEntry } from './tar.js';

export interface ExportOptions {
  /** Directory of the journal. */
  journal: string;
  /** Seq of the newest event that is exported. */
  through: number;
  now: number;
  redact: Redact | undefined;
}

/** Incremented when readers of the older format cannot read this one. */
const FORMAT = 1;
const COLUMNS = 100;
const STYLE: OutputStyle = {
  mode: 'plain',
  ...{ color: false, ascii: false, sync: false, taskbar: false, hyperlinks: false },
};

export interface Export {
  entries: TarEntry[];
  /** Events that the journal no longer holds. */
  gaps: Gap[];
}

/** Lists the files of the archive, in `directory`. Reads all events once for their size, and again for each file. */
export async function exportFiles(execution: Execution, directory: string, options: ExportOptions): Promise<Export> {
  const { redact = <T>(value: T) => value } = options;
  const shown = executionFromJson(redact(executionToJson(execution)));
  const found = await measure(execution, options);
  const files: [string, number, TarEntry['contents']][] = [
    ['events.ndjson', found.bytes, () => eventLines(execution, options)],
    ['transcript.txt', found.transcript, () => transcript(execution, options)],
    ...textFiles({
      'summary.json': `${JSON.stringify(executionToJson(shown), undefined, 2)}\n`,
      'summary.txt': `${showLines(shown, { now: options.now, columns: COLUMNS, style: STYLE }).join('\n')}\n`,
    }),
  ];
  const manifest = {
    format: FORMAT,
    program: `progress ${VERSION}`,
    exportedAt: new Date(options.now).toISOString(),
    execution: execution.id,
    name: shown.name,
    status: execution.status,
    redacted: options.redact !== undefined,
    events: found.events,
    gaps: found.gaps,
    files: Object.fromEntries(files.map(([name, size]) => [name, size])),
  };
  const all = [...textFiles({ 'manifest.json': `${JSON.stringify(manifest, undefined, 2)}\n` }), ...files];
  const entries = all.map(([name, size, contents]) => ({ name: `${directory}/${name}`, size, contents }));
  return { entries, gaps: found.gaps };
}

function textFiles(texts: Readonly<Record<string, string>>): [string, number, TarEntry['contents']][] {
  return Object.entries(texts).map(([name, text]) => [name, Buffer.byteLength(text), () => [text]]);
}

async function measure(execution: Execution, options: ExportOptions) {
  const found = { bytes: 0, transcript: 0, events: 0, gaps: [] as Gap[] };
  for await (const part of eventsOf(execution, options)) {
    if ('gap' in part) found.gaps.push(part.gap);
    else {
      found.events += part.events.length;
      for (const line of part.lines) found.bytes += Buffer.byteLength(line) + 1;
      for (const text of textsOf(part.events)) found.transcript += Buffer.byteLength(text);
    }
  }
  return found;
}

async function* eventLines(execution: Execution, options: ExportOptions): AsyncGenerator<string> {
  for await (const part of eventsOf(execution, options)) {
    if ('lines' in part) yield part.lines.map((line) => `${line}\n`).join('');
  }
}

async function* transcript(execution: Execution, options: ExportOptions): AsyncGenerator<string | Buffer> {
  for await (const part of eventsOf(execution, options)) if ('events' in part) yield* textsOf(part.events);
}

function textsOf(events: readonly ExecutionEvent[]): (string | Buffer)[] {
  const shown = events.filter((event) => SHOWN_TYPES.includes(event.type) && !isForDebuggers(event));
  return shown.map((event) => textFor(event, STYLE, COLUMNS));
}

/** Reads events, redacted if requested. */
async function* eventsOf({ id, firstSeq }: Execution, { journal, through, redact }: ExportOptions) {
  // a private key may be spread over several events
  const masker = new EventMasker();
  const decode = (base64: string) => Buffer.from(base64, 'base64').toString();
  for await (const part of readJournal(openSource(journal), { after: firstSeq - 1, through, execution: id })) {
    if ('gap' in part || !redact) yield part;
    else {
      const events = part.events.map((event) => redactEvent(masker.mask(event), redact, decode));
      yield { events, lines: events.map((event) => JSON.stringify(event)) };
    }
  }
}
