/** Actions on executions: their keys, what they ask before, and what they report. */
import { ProgressError } from '../../core/base/errors.js';
import type { Execution } from '../../core/execution.js';
import { isFinal, isRun } from '../../core/execution.js';
import type { TuiAction, KeyBinding, TuiSource } from './page.js';

export interface ActionContext {
  source: TuiSource;
  /** Asks before something that cannot be undone. */
  confirm: (question: string, then: () => void) => void;
  /** Shows a line until the next key. */
  report: (text: string, isError?: boolean) => void;
  /** Puts a text into the clipboard of the terminal (OSC 52). */
  copy: (text: string) => void;
}

interface Action {
  keys: readonly string[];
  help: string;
  footer?: string;
  action: (execution: Execution) => TuiAction;
  isFor: (execution: Execution) => boolean;
  /** Verb of the question; without it the action is not destructive. */
  ask?: string;
}

const isAlive = ({ status }: Execution) => !isFinal(status);

const ACTIONS: readonly Action[] = [
  {
    keys: ['x'],
    help: 'Stop (SIGINT, then SIGKILL after 5 s)',
    footer: 'stop',
    action: () => 'stop',
    isFor: (one) => isAlive(one) && isRun(one),
    ask: 'Stop',
  },
  {
    keys: ['X'],
    help: 'Kill (SIGKILL)',
    action: () => 'kill',
    isFor: (one) => isAlive(one) && isRun(one),
    ask: 'Kill',
  },
  {
    keys: ['p'],
    help: 'Pause or resume',
    footer: 'pause',
    action: ({ status }) => (status === 'paused' ? 'resume' : 'pause'),
    isFor: (one) => isRun(one) && (one.status === 'running' || one.status === 'paused'),
  },
  {
    keys: ['D'],
    help: 'Dismiss what was not started by progress',
    action: () => 'dismiss',
    isFor: (one) => isAlive(one) && !isRun(one),
    ask: 'Dismiss',
  },
];

/** Returns the keys of all actions on the targets: the marked executions, else the selected one. */
export function actionBindings(context: ActionContext, targets: () => readonly Execution[]): KeyBinding[] {
  return [
    ...ACTIONS.map((action): KeyBinding => {
      const own = () => targets().filter(action.isFor);
      const { keys, help, footer } = action;
      return {
        keys,
        help,
        ...(footer !== undefined && { footer }),
        when: () => own().length > 0,
        run: () => start(context, action, own()),
      };
    }),
    {
      keys: ['r'],
      help: 'Run the command again',
      footer: 'rerun',
      when: () => targets().length === 1 && targets().every(isRun),
      run: () => rerun(context, targets()[0]),
    },
    {
      keys: ['y'],
      help: 'Copy the ID (OSC 52)',
      when: () => targets().length > 0,
      run: () =>
        context.copy(
          targets()
            .map(({ id }) => id)
            .join('\n'),
        ),
    },
    {
      keys: ['O'],
      help: 'Open in the browser',
      when: () => targets().length === 1,
      run: () => openBrowser(context, targets()[0]),
    },
  ];
}

function start(context: ActionContext, { action, ask }: Action, targets: readonly Execution[]): void {
  const run = () => void perform(context, targets, action);
  if (ask === undefined) run();
  else context.confirm(`${ask} ${namesOf(targets)}?`, run);
}

async function perform(
  { source, report }: ActionContext,
  targets: readonly Execution[],
  action: Action['action'],
): Promise<void> {
  const results = await Promise.allSettled(targets.map((one) => source.control(one.id, action(one))));
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [ProgressError.from(result.reason).message] : [],
  );
  const [first] = failures;
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
  if (first !== undefined) report(first + more, true);
}

function rerun({ source, confirm, report }: ActionContext, execution: Execution | undefined): void {
  if (!execution) return;
  const command = execution.process?.argv?.join(' ') ?? execution.name;
  confirm(`Run again: ${command}?`, () => {
    source.rerun(execution.id).then(
      (id) => report(`Started as ${id}`),
      (error: unknown) => report(ProgressError.from(error).message, true),
    );
  });
}

function openBrowser({ source, report }: ActionContext, execution: Execution | undefined): void {
  if (!execution) return;
  source.openBrowser(execution.id).then(
    (address) => report(address),
    (error: unknown) => report(ProgressError.from(error).message, true),
  );
}

export function namesOf(executions: readonly Execution[]): string {
  const [first] = executions;
  return executions.length === 1 && first ? first.name : `${executions.length} executions`;
}
