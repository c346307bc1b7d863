/** Buttons to stop, pause, resume, rerun and mark an execution. One that is off can have the focus, and says why. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Execution } from '../src/core/execution.js';
import { isFinal, isRun } from '../src/core/execution.js';
import type { Action } from './api.js';
import { BellIcon } from './bell-icon.js';
import { go, pathOf } from './route.js';
import { staleReason, useModel, useServices } from './context.js';
import type { Key } from './keys.js';

export function ControlButtons({ execution }: { execution: Execution }) {
  if (!isFinal(execution.status)) return <OpenControls execution={execution} />;
  return isRun(execution) ? <Rerun execution={execution} /> : null;
}

/** What the buttons of an open execution need. */
interface ControlProps {
  execution: Execution;
  busy: Action | undefined;
  /** Why the buttons are off; undefined if they are on. */
  off: string | undefined;
  act: (action: Action) => void;
}

function OpenControls({ execution }: { execution: Execution }) {
  const model = useModel();
  const { api, announce } = useServices();
  const [busy, setBusy] = useState<Action | undefined>();
  const act = async (action: Action) => {
    setBusy(action);
    try {
      await api.control(execution.id, action);
      announce(`${execution.name}: ${isRun(execution) ? DONE[action] : 'dismissed'}`);
    } catch (error) {
      announce(`${execution.name}: ${(error as Error).message}`);
    } finally {
      setBusy(undefined);
    }
  };
  const off = staleReason(model) ?? (busy === undefined ? undefined : 'One moment');
  const props: ControlProps = { execution, busy, off, act: (action) => void act(action) };
  return (
    <span class="controls">
      <BellButton execution={execution} />
      {isRun(execution) && execution.status !== 'queued' && <PauseButton {...props} />}
      <StopButton {...props} />
    </span>
  );
}

function BellButton({ execution: { id, name } }: { execution: Execution }) {
  const { bells } = useServices();
  const isOn = bells.has(id);
  return (
    <button
      class="bell"
      data-action="bell"
      aria-pressed={isOn}
      aria-label={`Notify me about ${name}`}
      title={isOn ? 'You will be told when it ends or needs you' : 'Tell me when it ends or needs me'}
      onClick={() => void bells.toggle(id)}
    >
      <BellIcon isOn={isOn} />
    </button>
  );
}

function PauseButton({ execution: { name, status }, off, act }: ControlProps) {
  const { announce } = useServices();
  const action: Action = status === 'paused' ? 'resume' : 'pause';
  const label = action === 'resume' ? 'Resume' : 'Pause';
  return (
    <button
      data-action="pause"
      aria-disabled={off !== undefined}
      title={off ?? TITLES[action]}
      aria-label={`${label} ${name}`}
      onClick={() => (off === undefined ? act(action) : announce(off))}
    >
      {label}
    </button>
  );
}

/** Stops a run. An execution that progress did not start has no processes to stop: it is dismissed. */
function StopButton({ execution, busy, off, act }: ControlProps) {
  const { announce } = useServices();
  const [isAsking, setAsking] = useState(false);
  const { name } = execution;
  const isControlled = isRun(execution);
  const title = isControlled ? TITLES.stop : 'Close it as cancelled: progress did not start it, and stops nothing';
  return (
    <>
      <button
        data-action="stop"
        aria-disabled={off !== undefined}
        title={off ?? title}
        aria-label={`${isControlled ? 'Stop' : 'Dismiss'} ${name}`}
        onClick={() => (off === undefined ? setAsking(true) : announce(off))}
      >
        {isControlled ? (busy === 'stop' ? 'Stopping…' : 'Stop…') : 'Dismiss…'}
      </button>
      {isAsking && (
        <Confirmation
          question={isControlled ? STOP_QUESTION : DISMISS_QUESTION}
          name={name}
          onConfirm={() => act('stop')}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

/** Keys for the execution of the page, or the one that has the focus in the list. */
export const CONTROL_KEYS: readonly Key[] = [
  { names: ['x'], what: 'Stop', run: () => press('stop') },
  { names: ['p'], what: 'Pause, resume', run: () => press('pause') },
  { names: ['r'], what: 'Run again', run: () => press('rerun') },
  { names: ['b'], what: 'Notify me, or not', run: () => press('bell') },
];

/** Clicks a button. @returns False if there is no such button. */
function press(action: string): boolean {
  const scope = document.activeElement?.closest('.item') ?? document.querySelector('.head');
  const button = scope?.querySelector<HTMLElement>(`[data-action=${action}]`);
  button?.click();
  return button != null;
}

function Rerun({ execution }: { execution: Execution }) {
  const model = useModel();
  const { api, announce } = useServices();
  const off = staleReason(model);
  const rerun = async () => {
    try {
      go(pathOf(await api.rerun(execution.id)));
    } catch (error) {
      announce(`${execution.name}: ${(error as Error).message}`);
    }
  };
  return (
    <span class="controls">
      <button
        data-action="rerun"
        aria-disabled={off !== undefined}
        title={off ?? 'The same command once more'}
        aria-label={`Run ${execution.name} again`}
        onClick={() => (off === undefined ? void rerun() : announce(off))}
      >
        Run again
      </button>
    </span>
  );
}

interface Question {
  verb: string;
  note: string;
  no: string;
  yes: string;
}

const STOP_QUESTION: Question = {
  verb: 'Stop',
  note: 'It gets an interrupt now and is killed after 5 seconds if it is still there.',
  no: 'Keep it running',
  yes: 'Stop it',
};
const DISMISS_QUESTION: Question = {
  verb: 'Dismiss',
  note: 'It is closed as cancelled. Progress did not start it, so nothing is stopped; if it reports its end later, that counts.',
  no: 'Keep it',
  yes: 'Dismiss it',
};

interface ConfirmationProps {
  question: Question;
  name: string;
  onConfirm: () => void;
  onClose: () => void;
}

function Confirmation({ question, name, onConfirm, onClose }: ConfirmationProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-label={`${question.verb} ${name}?`} onClose={onClose}>
      <p>
        {question.verb} <strong>{name}</strong>?
      </p>
      <p class="note">{question.note}</p>
      <form method="dialog">
        {/* the safe choice is the default */}
        <button autofocus>{question.no}</button>
        <button class="danger" onClick={onConfirm}>
          {question.yes}
        </button>
      </form>
    </dialog>
  );
}

const TITLES: Readonly<Record<Action, string>> = {
  stop: 'Interrupt it, and kill it if that does not help',
  pause: 'Freeze all its processes until it is resumed',
  resume: 'Let its processes go on',
};

const DONE: Readonly<Record<Action, string>> = { stop: 'stopping', pause: 'pausing', resume: 'resuming' };
