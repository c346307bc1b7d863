/** Stop, pause, resume and the bell. A button that is off says why. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Execution } from '../src/core/execution.js';
import { isFinal, isRun } from '../src/core/execution.js';
import type { Action } from './api.js';
import { BellIcon } from './bell-icon.js';
import { go, pathOf } from './route.js';
import { staleReason, useModel, useServices } from './context.js';
import type { Key } from './keys.js';

export function ControlButtons({ execution }: { execution: Execution }) {
  const model = useModel();
  const { api, announce, bells } = useServices();
  const [busy, setBusy] = useState<Action | undefined>();
  const [asking, setAsking] = useState(false);
  if (isFinal(execution.status)) return isRun(execution) ? <Rerun execution={execution} /> : null;

  const reason = staleReason(model);
  // what was only recorded has no processes that could be stopped
  const isControlled = isRun(execution);
  const act = async (action: Action) => {
    setBusy(action);
    try {
      await api.control(execution.id, action);
      announce(`${execution.name}: ${isControlled ? DONE[action] : 'dismissed'}`);
    } catch (error) {
      announce(`${execution.name}: ${(error as Error).message}`);
    } finally {
      setBusy(undefined);
    }
  };
  const isPaused = execution.status === 'paused';
  const toggle: Action = isPaused ? 'resume' : 'pause';
  const isRung = bells.has(execution.id);
  const off = reason ?? (busy === undefined ? undefined : 'One moment');
  // one that is off can still be reached, and says why
  const guarded = (work: () => void) => () => (off === undefined ? work() : announce(off));
  return (
    <span class="controls">
      <button
        class="bell"
        data-action="bell"
        aria-pressed={isRung}
        aria-label={`Notify me about ${execution.name}`}
        title={isRung ? 'You will be told when it ends or needs you' : 'Tell me when it ends or needs me'}
        onClick={() => void bells.toggle(execution.id)}
      >
        <BellIcon isOn={isRung} />
      </button>
      {isControlled && execution.status !== 'queued' && (
        <button
          data-action="pause"
          aria-disabled={off !== undefined}
          title={off ?? TITLES[toggle]}
          aria-label={`${isPaused ? 'Resume' : 'Pause'} ${execution.name}`}
          onClick={guarded(() => void act(toggle))}
        >
          {isPaused ? 'Resume' : 'Pause'}
        </button>
      )}
      <button
        data-action="stop"
        aria-disabled={off !== undefined}
        title={
          off ?? (isControlled ? TITLES.stop : 'Close it as cancelled: progress did not start it, and stops nothing')
        }
        aria-label={`${isControlled ? 'Stop' : 'Dismiss'} ${execution.name}`}
        onClick={guarded(() => setAsking(true))}
      >
        {isControlled ? (busy === 'stop' ? 'Stopping…' : 'Stop…') : 'Dismiss…'}
      </button>
      {asking && (
        <Confirmation
          question={isControlled ? STOP_QUESTION : DISMISS_QUESTION}
          name={execution.name}
          onConfirm={() => void act('stop')}
          onClose={() => setAsking(false)}
        />
      )}
    </span>
  );
}

/** For the execution whose page this is, or that has the focus in the list. */
export const CONTROL_KEYS: readonly Key[] = [
  { names: ['x'], what: 'Stop', run: () => press('stop') },
  { names: ['p'], what: 'Pause, resume', run: () => press('pause') },
  { names: ['r'], what: 'Run again', run: () => press('rerun') },
  { names: ['b'], what: 'Notify me, or not', run: () => press('bell') },
];

/** What a click would do; false where there is no such button. */
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
        {/* the safe choice has the focus */}
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
