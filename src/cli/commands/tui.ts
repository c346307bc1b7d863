/** `progress tui`: shows all executions on the full screen, with their logs, steps and actions. */
import { withClient } from '../../client/connect.js';
import { loadConfig } from '../../config/load.js';
import { ProgressError } from '../../core/base/errors.js';
import { separatorOf } from '../../terminal/paint.js';
import { summaryLines } from '../../terminal/summary.js';
import { sectionCounts } from '../../terminal/tui/list-page.js';
import type { TuiExit } from '../../terminal/tui/session.js';
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
  options: {
    'no-mouse': { type: 'boolean', describe: 'Leave the mouse to the terminal' },
    'no-bell': { type: 'boolean', describe: 'Do not ring the bell when something ends or needs a person' },
  },
  async run({ id, 'no-mouse': noMouse = false, 'no-bell': noBell = false }, context) {
    return await runTui(context, { ...(id !== undefined && { id }), mouse: !noMouse, bell: !noBell });
  },
});

interface TuiCommandOptions {
  /** Execution to open. */
  id?: string;
  mouse: boolean;
  bell: boolean;
}

/** Runs the full screen until the user leaves. @returns the exit status */
async function runTui(context: CommandContext, options: TuiCommandOptions): Promise<number> {
  let lastState: string[] = [];
  const left = await showFullScreen(context, options, (lines) => (lastState = lines));
  // the screen is restored: the scrollback keeps the last state of what was open
  await printLines(lastState);
  return tuiExitStatus(left);
}

/** Shows the full screen until the user leaves. `onLeft` receives its last state as text. */
export async function showFullScreen(
  context: CommandContext,
  { id, mouse, bell }: TuiCommandOptions,
  onLeft: (lines: string[]) => void = () => undefined,
): Promise<TuiExit> {
  const { paths, env } = context;
  const style = styleOf(env);
  if (style.mode !== 'box' || !process.stdin.isTTY) {
    throw new ProgressError('usage', "tui needs a terminal; 'progress watch' prints lines, 'progress ps' a table");
  }
  const open = id === undefined ? undefined : await withClient({ paths, start: true }, (client) => findOne(client, id));
  const source = await openTuiSource(context, {
    rate: loadConfig(paths.config).watch.rate,
    onChange: () => session.changed(),
    onEvents: (events) => session.onEvents(events),
  });
  const session = new TuiSession({
    input: process.stdin,
    output: process.stdout,
    style,
    source,
    ...{ mouse, bell },
    ...(open && { open: open.id }),
  });
  const left = await session.left;
  const shown = source.shown();
  const counts = sectionCounts(source.executions(), source.now()).join(separatorOf(style));
  await source.close();
  onLeft(shown ? summaryLines(shown, style, columnsOf()).slice(0, 1) : [counts || 'Nothing is running.']);
  return left;
}
