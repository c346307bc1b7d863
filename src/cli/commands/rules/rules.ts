/** `progress rules`: lists alert rules, and tests them with recorded events. */
import { readFileSync } from 'node:fs';
import type { DryRunResult } from '../../../alerts/dry-run.js';
import { dryRun } from '../../../alerts/dry-run.js';
import { createRules } from '../../../alerts/rules.js';
import { conditionText } from '../../../alerts/condition-text.js';
import { withClient } from '../../../client/connect.js';
import { loadConfig } from '../../../config/load.js';
import type { ExecutionEvent } from '../../../core/events/event.js';
import { formatAge, formatDuration } from '../../../core/text/format.js';
import { ProgressError } from '../../../core/base/errors.js';
import { openSource, readJournal } from '../../../journal/reader.js';
import type { ChannelStatus, RuleView } from '../../../api/messages.js';
import type { GridColumn } from '../../../terminal/grid.js';
import { gridLines } from '../../../terminal/grid.js';
import { cleanText, paint } from '../../../terminal/paint.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { defineCommand } from '../../command.js';
import { JSON_OPTION } from '../../options.js';
import { gapText } from '../../shared/stream-errors.js';
import type { CommandContext } from '../../command.js';
import { findAnywhere } from '../../shared/offline.js';
import { complain, print, printLines } from '../../shared/output.js';
import type { EventFile } from './event-file.js';
import { readEventFile } from './event-file.js';
import { maxColumnsOf, styleOf } from '../../shared/output-options.js';

export const command = defineCommand({
  verb: 'rules',
  describe: 'List and test alert rules',
  positionals: {
    action: { choices: ['list', 'test'], default: 'list', describe: 'Action' },
    file: { describe: 'With test: file of events as JSON, or - for standard input' },
  },
  options: {
    replay: { type: 'string', value: 'id', describe: 'With test: use the events of an execution' },
    ...JSON_OPTION,
  },
  async run({ action, file, replay, json = false }, context) {
    if (action === 'list') {
      if (file !== undefined || replay !== undefined)
        throw new ProgressError('usage', 'a file and --replay need the action test');
      return await list(context, json);
    }
    if ((file === undefined) === (replay === undefined))
      throw new ProgressError('usage', 'rules test needs a file of events, or --replay with an execution');
    return await test(
      file === undefined ? await readExecutionEvents(context, replay ?? '') : readGiven(file),
      context,
      json,
    );
  },
});

async function list({ paths, env }: CommandContext, json: boolean): Promise<number> {
  const { rules, channels } = await withClient({ paths, start: true }, (client) => client.call('rules', {}));
  if (json) await print(`${JSON.stringify({ rules, channels }, undefined, 2)}\n`);
  else {
    const style = styleOf(env);
    const now = Date.now();
    await printLines(ruleLines(rules, now, style));
    if (channels.length > 0) await printLines(['', ...channelLines(channels, now, style)]);
  }
  return 0;
}

function ruleLines(rules: readonly RuleView[], now: number, style: OutputStyle): string[] {
  if (rules.length === 0) return ['There are no rules: nothing raises an alert.'];
  const rows = rules.map(({ name, fired, at, notify, throttle, repeat, when }) => [
    name,
    String(fired),
    at === undefined ? 'never' : `${formatAge(now - Date.parse(at))} ago`,
    notify.join(', '),
    [
      conditionText(when),
      ...(throttle > 0 ? [`at most every ${formatDuration(throttle)}`] : []),
      ...(repeat === 'streak' ? ['once per streak'] : []),
    ].join(', '),
  ]);
  return gridLines(RULE_COLUMNS, rows, { columns: maxColumnsOf(), style });
}

const RULE_COLUMNS: readonly GridColumn[] = [
  { heading: 'RULE', cut: { readable: 16, least: 8 } },
  { heading: 'FIRED', isNumeric: true, rank: 2 },
  { heading: 'LAST', rank: 1 },
  { heading: 'NOTIFY', rank: 3, cut: { readable: 12, least: 8 } },
  { heading: 'WHEN', cut: { readable: 24, least: 8 } },
];

function channelLines(channels: readonly ChannelStatus[], now: number, style: OutputStyle): string[] {
  const rows = channels.map(({ name, type, pending, held, counts, sentAt, error, nextMs, unavailable }) => [
    name,
    type,
    String(pending),
    String(counts.sent ?? 0),
    String((counts.failed ?? 0) + (counts.lost ?? 0)),
    [
      unavailable ?? error ?? (sentAt === undefined ? [] : `last sent ${formatAge(now - Date.parse(sentAt))} ago`),
      ...(held === undefined ? [] : [`${held} held in quiet hours`]),
      ...(nextMs === undefined ? [] : [`next attempt in ${formatDuration(nextMs)}`]),
    ]
      .flat()
      .join(', '),
  ]);
  return gridLines(CHANNEL_COLUMNS, rows, { columns: maxColumnsOf(), style });
}

const CHANNEL_COLUMNS: readonly GridColumn[] = [
  { heading: 'CHANNEL', cut: { readable: 16, least: 8 } },
  { heading: 'TYPE', rank: 1 },
  { heading: 'PENDING', isNumeric: true, rank: 3 },
  { heading: 'SENT', isNumeric: true, rank: 2 },
  { heading: 'FAILED', isNumeric: true, rank: 4 },
  { heading: '', cut: { readable: 24, least: 8 } },
];

function readGiven(file: string): EventFile {
  try {
    // yargs converts a dash to an empty text
    return readEventFile(readFileSync(file === '' ? 0 : file, 'utf8'));
  } catch (error) {
    if (error instanceof ProgressError) throw error;
    throw new ProgressError('not_found', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

async function readExecutionEvents({ paths }: CommandContext, text: string): Promise<EventFile> {
  const { id } = await findAnywhere(paths, text);
  const events: ExecutionEvent[] = [];
  for await (const part of readJournal(openSource(paths.journal), { execution: id })) {
    if ('gap' in part) complain(gapText(part.gap));
    else events.push(...part.events);
  }
  return { events, known: [], notes: [] };
}

async function test(
  { events, known, notes }: EventFile,
  { paths, env }: CommandContext,
  json: boolean,
): Promise<number> {
  const { rules, alerts } = loadConfig(paths.config);
  for (const note of notes) complain(note);
  const results = dryRun(createRules(rules, alerts.interactive), events, known);
  if (json) await print(`${JSON.stringify(results.map(toJson), undefined, 2)}\n`);
  else await printLines(results.flatMap((result) => resultLines(result, styleOf(env))));
  return 0;
}

function toJson({ rule, matches, nearest }: DryRunResult) {
  return {
    rule: rule.name,
    fires: matches.map(({ execution, cause, event, text }) => ({
      ...(execution && { execution: execution.id }),
      ...(event && { time: event.time, type: event.type }),
      cause,
      ...text,
      notify: rule.notify,
    })),
    ...(nearest && { nearest: { ...(nearest.event && pick(nearest.event)), why: nearest.why } }),
  };
}

function pick({ seq, time, type }: ExecutionEvent) {
  return { seq, time, type };
}

/** Number of matches shown for each rule. */
const SHOWN = 5;

function resultLines({ rule, matches, nearest }: DryRunResult, style: OutputStyle): string[] {
  const name = paint(cleanText(rule.name), 'strong', style);
  if (matches.length === 0) {
    const { event, why = [] } = nearest ?? {};
    const at = event ? paint(` (${cleanText(event.type)})`, 'dim', style) : '';
    return [`${name}  does not fire${at}`, ...why.map((reason) => `    ${cleanText(reason)}`)];
  }
  const times = matches.length === 1 ? '' : ` ${matches.length} times`;
  return [
    `${name}  ${paint(`fires${times}`, 'good', style)}, over ${rule.notify.join(', ')}`,
    ...matches
      .slice(0, SHOWN)
      .flatMap(({ text }) => [`    ${cleanText(text.title)}`, `        ${cleanText(text.body)}`]),
    ...(matches.length > SHOWN ? [`    and ${matches.length - SHOWN} more`] : []),
  ];
}
