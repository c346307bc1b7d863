/** Run in the foreground: this process is the runner, and the command uses its terminal. */
import { isatty } from 'node:tty';
import { ProgressError } from '../../../core/base/errors.js';
import { isIgnored, onSignal } from '../../../platform/inherited.js';
import { openControlChannel } from '../../../runner/control-channel.js';
import type { Pty } from '../../../runner/pty.js';
import { noPtyMessage, openPty } from '../../../runner/pty.js';
import { Run } from '../../../runner/run.js';
import { agentOf } from '../../../runner/spec.js';
import { outputLimitOf } from '../../../runner/settings.js';
import type { RunSpec } from '../../../runner/store.js';
import { writeSpec } from '../../../runner/store.js';
import { haveSharedOutput } from '../../../platform/standard-streams.js';
import type { CommandContext } from '../../command.js';
import { complain, flushOutput } from '../../shared/output.js';
import { styleOf } from '../../shared/output-options.js';
import { lendOnDemand, openControllingTerminal, passKeys } from './controlling-terminal.js';
import { lendTerminal } from './terminal.js';
import { TerminalOutput } from './terminal-output.js';
import { returnTypeAhead } from './type-ahead.js';
import type { LineChoice } from '../watch/line-choice.js';

/** What is shown of a run: its output, plain lines, the box, or nothing. */
export type Face = 'output' | 'lines' | 'box' | 'none';

export interface RunView {
  face: Face;
  /** Of the face `lines`: which events it prints, and how. */
  lines?: LineChoice;
  /** Use pipes, even at a terminal. */
  noPty: boolean;
  /** Print the JSON of an agent, even at a terminal. */
  raw: boolean;
}

const STDOUT = 1;
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export async function runInForeground(
  spec: RunSpec,
  { face, lines, noPty, raw }: RunView,
  context: CommandContext,
): Promise<number> {
  const { paths, env, inherited } = context;
  const shown = process.stdout.isTTY ? new TerminalOutput(STDOUT) : undefined;
  const output = { stdout: process.stdout, stderr: process.stderr, terminal: shown };
  const view = face === 'lines' || face === 'box' ? await openFace(face, spec.id, context, lines) : undefined;
  const pty = choosePty(spec, noPty, view !== undefined);
  const terminal = pty ? undefined : openControllingTerminal(noPty || view !== undefined);
  const isForPeople = !raw && !view && process.stdout.isTTY && agentOf(spec) !== undefined;
  const render = isForPeople ? (await import('./agent-view.js')).createAgentView(spec.id, styleOf(env)) : undefined;
  const isQueued = spec.queue !== undefined || spec.after !== undefined;
  let unrecorded: string | undefined;
  const onUnrecorded = (error: unknown) => {
    unrecorded ??= ProgressError.from(error).message;
  };
  try {
    writeSpec(paths, spec);
  } catch (error) {
    onUnrecorded(error);
  }
  const run = new Run({
    paths,
    spec,
    announced: false,
    waits: isQueued,
    stdin: view ? 'ignore' : 'inherit',
    inherited,
    stderr: process.stderr.isTTY ? 'terminal' : !view && haveSharedOutput() ? 'shared' : 'apart',
    outputLimit: await outputLimitOf(paths),
    thorough: false,
    onUnrecorded,
    ...(pty && { pty }),
    ...(terminal && { terminal }),
    ...(render && { render }),
    ...(!view && { output }),
  });
  if (unrecorded !== undefined) complain(`this run is not recorded: ${unrecorded}`);
  const link = openControlChannel({ paths, run: spec.id, start: true, onCommand: (command) => run.control(command) });
  for (const signal of FORWARDED) onSignal(signal, () => run.signal(signal, `${signal} to progress run`));
  if (isQueued && !view) complain(`queued; 'progress show ${spec.id}' shows what it waits for`);
  let status: number;
  let isInterrupted: boolean;
  if (view) {
    status = await view.show(run, output);
    isInterrupted = view.isInterrupted;
  } else {
    const giveBack = pty ? lendTerminal(pty, run, { shown }) : terminal ? lendOnDemand(terminal, run) : passKeys(run);
    status = await run.ended;
    isInterrupted = await giveBack();
    const ours = pty ?? terminal;
    if (ours && isatty(0)) returnTypeAhead(await ours.unread());
    if (run.problem !== undefined) complain(run.problem);
  }
  link.close();
  if (unrecorded === undefined && run.unwritten > 0)
    complain(`${run.unwritten} events of this run could not be recorded`);
  if (run.diedOf === 'SIGINT' && isatty(0) && !isIgnored('SIGINT')) await dieOfInterrupt(isInterrupted);
  return status;
}

/**
 * Dies of SIGINT, so that a shell ends the loop that contains this command. A shell does so only if it received the signal
 * too: if Ctrl-C was read as a key, the whole job gets the signal that the terminal would have sent.
 */
async function dieOfInterrupt(isKey: boolean): Promise<void> {
  process.removeAllListeners('SIGINT');
  await flushOutput();
  process.kill(isKey ? 0 : process.pid, 'SIGINT');
}

async function openFace(face: 'lines' | 'box', id: string, context: CommandContext, lines: LineChoice | undefined) {
  const { openRunFace } = await import('./run-face.js');
  return await openRunFace(face, id, context, lines);
}

/** Allocates one on request, or if the command would have a terminal without this program. */
function choosePty({ pty }: RunSpec, noPty: boolean, isDrawn: boolean): Pty | undefined {
  const { stdout } = process;
  if (noPty || !(pty || (isatty(0) && stdout.isTTY && !isDrawn))) return undefined;
  const opened = openPty(stdout.isTTY ? stdout : {});
  if (!opened) complain(noPtyMessage());
  return opened;
}
