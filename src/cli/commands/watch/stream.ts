/** `progress watch --stream`: draws the box until the execution ends or the user leaves. */
import { loadConfig } from '../../../config/load.js';
import type { ExecutionEvent } from '../../../core/events/event.js';
import { EXECUTION_ENDS } from '../../../core/events/event.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import type { Leaving } from '../../../terminal/box.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { summaryLines } from '../../../terminal/summary.js';
import type { CommandContext } from '../../command.js';
import { BoxSession } from '../../shared/box-session.js';
import type { LiveModel } from '../../shared/live-model.js';
import { openLiveModel } from '../../shared/live-model.js';
import { columnsOf, withViewer } from '../../shared/output-options.js';
import { printLines } from '../../shared/output.js';
import type { OwnCommand } from '../../shared/own-command.js';
import { readFailureLog } from '../../shared/recent-log.js';
import { ring } from './ring.js';

export interface Watched {
  execution: Execution | undefined;
  left?: Leaving | undefined;
}

const FOOTER = 't full screen · q leave (keeps running)';

/** @param execution the only one to show */
export async function watchInBox(
  context: CommandContext,
  style: OutputStyle,
  execution: Execution | undefined,
  own: OwnCommand | undefined,
): Promise<Watched> {
  const { paths, env } = context;
  const isShown = ({ id }: Execution) => own?.is(id) !== true;
  const summary = async (one: Execution) =>
    summaryLines(one, withViewer(style, paths), columnsOf(), await readFailureLog(paths, one));
  if (execution && isFinal(execution.status)) {
    await printLines(await summary(execution));
    return { execution };
  }
  const abort = new AbortController();
  let end = () => {};
  const ended = new Promise<undefined>((resolve) => (end = () => resolve(undefined)));
  const live = await openLiveModel({
    paths,
    ...(execution ? { execution: execution.id, hasLog: true } : { isBrief: true }),
    restart: !env['PROGRESS_NO_DAEMON'],
    rate: loadConfig(paths.config).watch.rate,
    signal: abort.signal,
    onChange(events) {
      events.forEach((event) => own?.isOf(event));
      box.changed();
      // the full screen rings it as well
      if (box.isShown) ring(events);
      if (!execution)
        box.print(
          endedBy(events, live)
            .filter(isShown)
            .flatMap((one) => titleOf(one, style)),
        );
      else if (isFinal(live.find(execution.id)?.status ?? 'running')) end();
    },
  });
  const box = new BoxSession({
    context,
    style,
    ...(execution && { execution: execution.id }),
    view: () => ({
      executions: live.executions().filter(isShown),
      connection: live.connection,
      now: Date.now(),
      detail: true,
      ...(live.log && { log: live.log }),
      footer: FOOTER,
    }),
  });
  const left = await box.show(ended);
  abort.abort();
  const shown = execution && (live.find(execution.id) ?? execution);
  await box.close(shown && isFinal(shown.status) ? await summary(shown) : []);
  await live.done;
  return { execution: shown, left };
}

function titleOf(execution: Execution, style: OutputStyle): string[] {
  return summaryLines(execution, style, columnsOf(), []).slice(0, 1);
}

/** Finds the executions that these events ended. */
function endedBy(events: readonly ExecutionEvent[], live: LiveModel): Execution[] {
  const ids = new Set(events.filter(({ type }) => Object.hasOwn(EXECUTION_ENDS, type)).map((event) => event.execution));
  return [...ids].map((id) => (id === undefined ? undefined : live.find(id))).filter((one) => one !== undefined);
}
