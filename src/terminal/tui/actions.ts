/** Actions on executions: their keys, what they ask before, and what they report. */
import { ProgressError } from '../../core/base/errors.js';
import type { Execution } from '../../core/execution.js';
import { isFinal, isRun } from '../../core/execution.js';
import { MASK } from '../../core/mask/mask-text.js';
import { parseWords, quoteWords } from '../../core/text/command-words.js';
import type { TuiAction, KeyBinding, TuiSource } from './page.js';

export interface ActionContext {
  source: TuiSource;
  /** Asks before something that cannot be undone. */
  confirm: (question: string, then: () => void) => void;
  /** Asks for a text; `then` is not called if the user leaves. */
  ask: (label: string, text: string, then: (typed: string) => void) => void;
  /** Shows a line until the next key. */
  report: (text: string, isError?: boolean) => void;
  /** Lets another program use the terminal. @returns what it had to report */
  leaveFor: (program: () => Promise<string>) => Promise<string>;
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

/** The command of an execution is cut at this length. */
const MAX_EDITED_CHARS = 16_000;

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
      help: 'Run the command again, as it is or edited',
      footer: 'rerun',
      when: () => targets().length === 1 && targets().every(isRun),
      run: () => rerun(context, targets()[0]),
    },
    {
      keys: ['a'],
      help: `Attach: show the terminal of the run and pass keys to it`,
      when: () => targets().length === 1 && targets().every((one) => isRun(one) && isAlive(one)),
      run: () => attach(context, targets()[0]),
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
      keys: ['E'],
      help: 'Export to an archive',
      when: () => targets().length === 1,
      run: () => exportArchive(context, targets()[0]),
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

/** Unedited, the stored command runs again; the shown one may have masks in it. */
function rerun(context: ActionContext, execution: Execution | undefined): void {
  if (!execution) return;
  const { ask, report, source } = context;
  const { argv = [] } = execution.process ?? {};
  const shown = quoteWords(argv);
  ask('Run again:', shown, (typed) => {
    try {
      const edited = typed === shown ? undefined : editedWords(typed, shown);
      follow(context, source.rerun(execution.id, edited), (id) => `Started as ${id}`);
    } catch (error) {
      report(ProgressError.from(error).message, true);
    }
  });
}

/** @throws ProgressError `usage` if the words cannot be run as they are */
function editedWords(typed: string, shown: string): string[] {
  const words = parseWords(typed);
  if (words.length === 0) throw new ProgressError('usage', 'There is no command to run');
  if (words.some((word) => word.includes(MASK))) {
    throw new ProgressError(
      'usage',
      `${MASK} stands for a secret that is not shown: type it, or run the command unedited`,
    );
  }
  if (shown.length >= MAX_EDITED_CHARS) throw new ProgressError('usage', 'The command is too long to be edited here');
  return words;
}

function attach(context: ActionContext, execution: Execution | undefined): void {
  if (!execution) return;
  const { leaveFor, source } = context;
  follow(
    context,
    leaveFor(() => source.attach(execution.id)),
    (text) => text,
  );
}

function exportArchive(context: ActionContext, execution: Execution | undefined): void {
  if (!execution) return;
  const { ask, confirm, source, report } = context;
  const write = async (file: string, force: boolean): Promise<string> => {
    const isWritten = await source.exportArchive(execution.id, file, force);
    if (!isWritten) confirm(`Replace ${file}?`, () => follow(context, write(file, true), (text) => text));
    return isWritten ? `Written to ${file}` : '';
  };
  ask('Export to:', `progress-${execution.id}.tar.gz`, (file) => {
    if (file.trim() === '') report('An archive needs a file name', true);
    else follow(context, write(file.trim(), false), (text) => text);
  });
}

function openBrowser(context: ActionContext, execution: Execution | undefined): void {
  if (execution) follow(context, context.source.openBrowser(execution.id), (address) => address);
}

/** Reports the result of a task, or its error. */
function follow<T>({ report }: ActionContext, task: Promise<T>, text: (result: T) => string): void {
  task.then(
    (result) => text(result) !== '' && report(text(result)),
    (error: unknown) => report(ProgressError.from(error).message, true),
  );
}

export function namesOf(executions: readonly Execution[]): string {
  const [first] = executions;
  return executions.length === 1 && first ? first.name : `${executions.length} executions`;
}
