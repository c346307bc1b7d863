/** The banner at the top: values are stale, access is refused, or the daemon serves another build of the page. */
import { formatAge, formatClock } from '../src/core/text/format.js';
import { staleReason, useModel, useServices } from './context.js';
import { BUILD } from './live/hub-link.js';

export function Banner() {
  const model = useModel();
  const { retry } = useServices();
  const { state, heardAt, retryAt, attempt, viewer } = model.connection;
  if (state === 'refused') return <Locked />;
  if (staleReason(model) === undefined) return viewer === undefined || viewer === BUILD ? null : <Newer />;
  const wait = retryAt === undefined ? 0 : Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000));
  return (
    <div class="banner">
      <span>
        Connection lost {formatAge(Date.now() - heardAt)} ago. Values below are from {formatClock(heardAt)}.{' '}
        {wait > 0 ? `Trying again in ${wait} s` : 'Trying again'}
        {attempt > 1 ? ` (attempt ${attempt})` : ''}.
      </span>
      <button onClick={retry}>Retry now</button>
    </div>
  );
}

/** The daemon was replaced while the page was open. */
function Newer() {
  return (
    <div class="banner">
      <span>This page is of another version than the daemon, and may misread what it says.</span>
      <button onClick={() => location.reload()}>Reload</button>
    </div>
  );
}

/** The page has no token, or it was revoked. */
function Locked() {
  return (
    <div class="banner">
      <span>
        This page needs to be let in. Run <code>progress web</code> in a terminal and open the address that it prints.
      </span>
    </div>
  );
}
