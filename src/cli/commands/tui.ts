/** `progress tui`: shows all executions on the full screen, with their logs, steps and actions. */
import { withClient } from '../../client/connect.js';
import { loadConfig } from '../../config/load.js';
import { ProgressError } from '../../core/base/errors.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import { isBell } from '../../terminal/plain.js';
import { summaryLines } from '../../terminal/summary.js';
import { tuiExitStatus, TuiSession } from '../../terminal/tui/session.js';
import type { CommandContext } from '../command.js';
import { defineCommand } from '../command.js';
import { ANY_ID } from '../options.js';
import { findOne } from '../shared/lookup.js';
import { columnsOf, styleOf } from '../shared/output-options.js';
import { printLines } from '../shared/output.js';
import { openTuiSource } from '../shared/tui-source.js';

export const command = defineCommand({
  verb: 'tui',
  describe: 'Watch and control executions on the full screen',
  positionals: { id: { describe: `${ANY_ID} of an execution to open` } },
  options: { 'no-mouse': { type: 'boolean', describe: 'Leave the mouse to the terminal' } },
  async run({ id, 'no-mouse': noMouse = false }, context) {
    return await runTui(context, { ...(id !== undefined && { id }), mouse: !noMouse });
  },
});

/** Runs the full screen until the user leaves. @returns the exit status */
export async function runTui(context: CommandContext, { id, mouse }: { id?: string; mouse: boolean }): Promise<number> {
  const { paths, env } = context;
  const style = styleOf(env);
  if (style.mode !== 'box' || !process.stdin.isTTY) {
    throw new ProgressError('usage', "tui needs a terminal; 'progress watch' prints lines, 'progress ps' a table");
  }
  const open = id === undefined ? undefined : await withClient({ paths, start: true }, (client) => findOne(client, id));
  const source = await openTuiSource(context, {
    rate: loadConfig(paths.config).watch.rate,
    onChange: () => session.changed(),
    onEvents: (events) => announce(events),
  });
  const session = new TuiSession({
    input: process.stdin,
    output: process.stdout,
    style,
    source,
    mouse,
    ...(open && { open: open.id }),
  });
  const announce = (events: readonly ExecutionEvent[]): void => {
    const event = events.find((one) => isBell(one, Date.now()));
    const title = event?.data['title'];
    if (event) session.announce(typeof title === 'string' ? title : 'An alert was triggered');
  };
  const left = await session.left;
  const shown = source.shown();
  await source.close();
  // the screen is gone: the scrollback keeps the last state of what was open
  if (shown) await printLines(summaryLines(shown, style, columnsOf()).slice(0, 1));
  return tuiExitStatus(left);
}
