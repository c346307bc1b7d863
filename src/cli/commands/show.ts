/** `progress show`: shows one execution with its steps, its transcript or its timeline. */
import type { Client } from '../../client/client.js';
import { withClient } from '../../client/connect.js';
import type { ExecutionJson } from '../../core/execution.js';
import { executionFromJson } from '../../core/execution.js';
import { fold } from '../../core/fold.js';
import { positionsIn } from '../../core/state/queues.js';
import { emptyState } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import { openSource, readJournal } from '../../journal/reader.js';
import type { Paths } from '../../platform/paths.js';
import { activityLines } from '../../terminal/activity.js';
import { eventLines } from '../../terminal/events.js';
import { showLines } from '../../terminal/show.js';
import type { Style } from '../../terminal/style.js';
import { defineCommand } from '../command.js';
import { ANY_ID, JSON_OPTION } from '../options.js';
import { findJson } from '../shared/lookup.js';
import { findAnywhere } from '../shared/offline.js';
import { complain, isPipeBroken, print, printLines } from '../shared/output.js';
import { columnsOf, maxColumnsOf, styleOf } from '../shared/output-options.js';
import { gapText } from '../shared/stream-errors.js';

export const command = defineCommand({
  verb: 'show',
  describe: 'Show one execution with its steps',
  positionals: { id: { required: true, describe: ANY_ID } },
  options: {
    ...JSON_OPTION,
    transcript: { type: 'boolean', describe: 'Print its messages, tool calls and output' },
    timeline: { type: 'boolean', describe: 'Print its events in order, with icons' },
  },
  async run({ id, json = false, transcript = false, timeline = false }, { paths, env }) {
    if (transcript && timeline) throw new ProgressError('usage', '--transcript and --timeline exclude each other');
    if (json && (transcript || timeline))
      throw new ProgressError(
        'usage',
        "--json excludes --transcript and --timeline; use 'progress logs --type all --json'",
      );
    if (transcript || timeline) {
      await printEvents(paths, id, styleOf(env), timeline);
      return 0;
    }
    const { execution, position } = await withClient({ paths, start: true }, async (client) => {
      const found = await findJson(client, id);
      return { execution: found, position: await positionOf(client, found) };
    });
    if (json) await print(`${JSON.stringify(execution, undefined, 2)}\n`);
    else {
      const options = { now: Date.now(), columns: maxColumnsOf(), style: styleOf(env), position };
      await printLines(showLines(executionFromJson(execution), options));
    }
    return 0;
  },
});

/** Position in its queue, from 1; undefined if it does not wait in one. */
async function positionOf(client: Client, { id, status, queue }: ExecutionJson): Promise<number | undefined> {
  if (status !== 'queued' || queue === undefined) return undefined;
  const { queues } = await client.call('queues', {});
  return positionsIn(queues).get(id);
}

/** Events of a timeline that wait for late ones. */
const LATE_EVENTS = 5_000;

/** Prints all events from the files of the journal. A timeline is ordered by time. */
async function printEvents(paths: Paths, text: string, style: Style, timeline: boolean): Promise<void> {
  const { id, firstSeq } = await findAnywhere(paths, text);
  const state = emptyState();
  const waiting: { time: string; lines: string[] }[] = [];
  const printFirst = async (count: number) => {
    waiting.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)));
    await printLines(waiting.splice(0, count).flatMap(({ lines }) => lines));
  };
  for await (const part of readJournal(openSource(paths.journal), { after: firstSeq - 1, execution: id })) {
    if (isPipeBroken()) return;
    if ('gap' in part) {
      complain(gapText(part.gap));
      continue;
    }
    for (const event of part.events) {
      const execution = fold(state, event);
      const options = { columns: timeline ? maxColumnsOf() : columnsOf(), style };
      if (timeline) waiting.push({ time: event.time, lines: eventLines(event, execution, options) });
      else await printLines(activityLines(event, execution, { ...options, times: true }));
    }
    if (waiting.length > 2 * LATE_EVENTS) await printFirst(waiting.length - LATE_EVENTS);
  }
  await printFirst(waiting.length);
}
