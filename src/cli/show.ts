/** `progress show`: everything known of one execution. */
import { withClient } from '../client/connect.js';
import { executionFromJson } from '../core/execution.js';
import { fold } from '../core/fold.js';
import { emptyState } from '../core/state.js';
import { ProgressError } from '../errors.js';
import { openSource, readJournal } from '../journal/reader.js';
import type { Paths } from '../paths.js';
import { activityLines } from '../terminal/activity.js';
import { showLines } from '../terminal/show.js';
import type { Style } from '../terminal/style.js';
import { defineCommand } from './command.js';
import { findAnywhere } from './offline.js';
import { complain, isPipeBroken, print, printLines } from './output.js';
import { columnsOf, styleOf } from './surface.js';

export const command = defineCommand({
  usage: 'show <id>',
  describe: 'Show one execution with its steps',
  options: (yargs) =>
    yargs
      .positional('id', { type: 'string', demandOption: true, describe: 'An id, a prefix of one, or a name' })
      .option('json', { type: 'boolean', describe: 'Print JSON' })
      .option('transcript', { type: 'boolean', describe: 'Print what it said and did, from its beginning' }),
  async run({ id, json = false, transcript = false }, { paths, env }) {
    if (json && transcript)
      throw new ProgressError('usage', '--transcript is for people: logs --type all --json has it all');
    if (transcript) {
      await printTranscript(paths, id, styleOf(env));
      return 0;
    }
    const { execution } = await withClient({ paths, start: true }, (client) => client.call('get', { execution: id }));
    if (json) await print(`${JSON.stringify(execution, undefined, 2)}\n`);
    else
      await printLines(
        showLines(executionFromJson(execution), { now: Date.now(), columns: columnsOf(), style: styleOf(env) }),
      );
    return 0;
  },
});

/** From the files of the journal: all of it, however long it is. */
async function printTranscript(paths: Paths, text: string, style: Style): Promise<void> {
  const { id, firstSeq } = await findAnywhere(paths, text);
  const state = emptyState();
  for await (const part of readJournal(openSource(paths.journal), { after: firstSeq - 1, execution: id })) {
    if (isPipeBroken()) return;
    if ('gap' in part) {
      complain(`events ${part.gap.from} to ${part.gap.to} are gone (${part.gap.why})`);
      continue;
    }
    for (const event of part.events) {
      const execution = fold(state, event);
      await printLines(activityLines(event, execution, { columns: columnsOf(), style }));
    }
  }
}
