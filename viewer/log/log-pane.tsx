/** The log tab: the log, and a toolbar to find, filter, wrap and download. */
import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import type { Execution } from '../../src/core/execution.js';
import { isFinal } from '../../src/core/execution.js';
import { formatCount } from '../../src/core/text/format.js';
import { useServices } from '../context.js';
import { Choice, Tick } from '../fields.js';
import { useKeys } from '../keys.js';
import { setQuery, useRoute } from '../route.js';
import type { TabProps } from '../tabs/tab-props.js';
import { downloadLog } from './download.js';
import { FindBar } from './find-bar.js';
import type { FindState } from './find.js';
import { useFind } from './find.js';
import { logKeys } from './log-keys.js';
import type { LogModel } from './use-log.js';
import { useLog, useLogDisplay, useLogTargets } from './use-log.js';

const STREAMS = [
  ['', 'All streams'],
  ['stdout', 'stdout'],
  ['stderr', 'stderr'],
] as const;
const LEVELS = [
  ['', 'All levels'],
  ['info', 'info and above'],
  ['warning', 'warnings and errors'],
  ['error', 'errors'],
] as const;

export function LogPane({ execution, step, onStepShown }: TabProps) {
  const { api, announce } = useServices();
  const { query } = useRoute();
  const input = useRef<HTMLInputElement>(null);
  const { id } = execution;
  const find = useFind(id, query);
  const log = useLog(execution);
  useLogDisplay(log, id, find, query.get('wrap') === '1');
  useLogTargets(log, id, find.current, step, onStepShown);
  const view = () => log.parts.current?.view;
  const download = () => void downloadLog(api, id).catch((error: unknown) => announce((error as Error).message));
  const focusFind = () => {
    // pressed again it opens the browser's own search
    if (document.activeElement === input.current) return false;
    input.current?.select();
    return input.current?.focus();
  };
  useKeys(2, 'The log', logKeys({ view, find, query, focusFind, download }));
  return (
    <div class={query.get('times') === '0' ? 'log-pane no-times' : 'log-pane'}>
      <Tools field={input} find={find} query={query} onLeave={() => view()?.element.focus()} onDownload={download} />
      <div class="log-holder" ref={log.holder}>
        {log.isEmpty && <p class="empty">{emptyText(execution)}</p>}
        {!log.isFollowing && !isFinal(execution.status) && <FollowButton log={log} />}
      </div>
    </div>
  );
}

interface ToolsProps {
  field: RefObject<HTMLInputElement | null>;
  find: FindState;
  query: URLSearchParams;
  /** Called when the user leaves the search field for the log. */
  onLeave: () => void;
  onDownload: () => void;
}

function Tools({ field, find, query, onLeave, onDownload }: ToolsProps) {
  return (
    <div class="tools" role="toolbar" aria-label="Log">
      <FindBar field={field} find={find} only={query.get('only') === '1'} onLeave={onLeave} />
      <Choice
        label="Stream"
        options={STREAMS}
        value={query.get('stream') ?? ''}
        onChange={(stream) => setQuery({ stream })}
      />
      <Choice
        label="Level"
        options={LEVELS}
        value={query.get('level') ?? ''}
        onChange={(level) => setQuery({ level })}
      />
      <Tick label="Wrap" isOn={query.get('wrap') === '1'} onChange={(isOn) => setQuery({ wrap: isOn ? '1' : '' })} />
      <Tick label="Times" isOn={query.get('times') !== '0'} onChange={(isOn) => setQuery({ times: isOn ? '' : '0' })} />
      <button onClick={onDownload}>Download</button>
    </div>
  );
}

function FollowButton({ log: { parts, unread } }: { log: LogModel }) {
  return (
    <button class="follow" onClick={() => parts.current?.view.follow()}>
      ↓ {unread === 0 ? 'Follow' : `${formatCount(unread)} new lines`}
    </button>
  );
}

function emptyText({ status, name }: Execution): string {
  if (isFinal(status)) return 'It wrote nothing.';
  return status === 'queued' ? `${name} waits for its turn.` : 'No output yet.';
}
