/** Stop, pause, resume and the bell. A button that is off says why. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Execution } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import type { Action } from './api.js';
import { BellIcon } from './bell-icon.js';
import { go, pathOf } from './route.js';
import { staleReason, useModel, useServices } from './context.js';
import type { Key } from './keys.js';

export function Controls({ execution }: { execution: Execution }) {
  const model = useModel();
  const { api, announce, bells } = useServices();
  const [busy, setBusy] = useState<Action | undefined>();
  const [asking, setAsking] = useState(false);
  if (isFinal(execution.status)) return isRun(execution) ? <Rerun execution={execution} /> : null;

  const stale = staleReason(model);
  const reason = stale ?? whyNot(execution);
  const act = async (action: Action) => {
    setBusy(action);
    try {
      await api.control(execution.id, action);
      announce(`${execution.name}: ${DONE[action]}`);
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
      {execution.status !== 'queued' && (
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
        title={off ?? TITLES.stop}
        aria-label={`Stop ${execution.name}`}
        onClick={guarded(() => setAsking(true))}
      >
        {busy === 'stop' ? 'Stopping…' : 'Stop…'}
      </button>
      {asking && (
        <Confirmation name={execution.name} onStop={() => void act('stop')} onClose={() => setAsking(false)} />
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

function Confirmation({ name, onStop, onClose }: { name: string; onStop: () => void; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-label={`Stop ${name}?`} onClose={onClose}>
      <p>
        Stop <strong>{name}</strong>?
      </p>
      <p class="note">It gets an interrupt now and is killed after 5 seconds if it is still there.</p>
      <form method="dialog">
        {/* the safe choice has the focus */}
        <button autofocus>Keep it running</button>
        <button class="danger" onClick={onStop}>
          Stop it
        </button>
      </form>
    </dialog>
  );
}

/** Only what `progress run` started can be told what to do. */
function isRun({ id, kind, source }: Execution): boolean {
  return kind === 'run' || (source?.startsWith('run-') === true && source.endsWith(`-${id}`));
}

function whyNot(execution: Execution): string | undefined {
  return isRun(execution)
    ? undefined
    : `${execution.name} was not started by progress run, so it cannot be controlled from here`;
}

const TITLES: Readonly<Record<Action, string>> = {
  stop: 'Interrupt it, and kill it if that does not help',
  pause: 'Freeze all its processes until it is resumed',
  resume: 'Let its processes go on',
};

const DONE: Readonly<Record<Action, string>> = { stop: 'stopping', pause: 'pausing', resume: 'resuming' };
