/** The page: who it is let in by, what it knows, and what it shows. */
import { render } from 'preact';
import { App, preload } from './app.js';
import { Api } from './api.js';
import { Bells } from './bells.js';
import { ServicesContext } from './context.js';
import { listenToKeys } from './keys.js';
import { HubLink, rememberToken, rememberedToken } from './live/hub-link.js';
import { Model } from './live/model.js';
import { currentRoute } from './route.js';
import { showInTab } from './tab-title.js';
import { applyTheme, currentTheme } from './theme.js';

/** Between two things that are said aloud. */
const ANNOUNCE_MS = 4_000;

async function start(root: HTMLElement): Promise<void> {
  applyTheme(currentTheme());
  if (currentRoute().id !== undefined) preload();
  const api = new Api();
  const code = takeCode();
  if (code === undefined) api.token = rememberedToken();
  const model = new Model(api, () => hub);
  const hub: HubLink = new HubLink((message) => {
    if (message.kind === 'token') {
      api.token = message.token;
      rememberToken(message.token);
    } else if (message.kind === 'connection') model.setConnection(message.connection);
    else if (message.kind === 'events') model.apply(message.events);
    else if (message.kind === 'reset') model.refresh();
  });
  const status = document.createElement('div');
  status.className = 'toast';
  status.setAttribute('role', 'status');
  document.body.append(status);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const announce = (text: string) => {
    clearTimeout(timer);
    status.textContent = text;
    timer = setTimeout(() => (status.textContent = ''), ANNOUNCE_MS);
  };
  const bells = new Bells(() => model.apply([]), announce);
  model.onChange(() => {
    bells.check(model);
    showInTab(model, currentRoute().id);
  });
  if (code !== undefined) {
    await api.redeem(code).then(
      (token) => hub.send({ kind: 'token', token }),
      () => announce('This address has been used before: run progress web again'),
    );
  }
  const services = { api, model, bells, announce, retry: () => hub.send({ kind: 'retry' }) };
  const view = (
    <ServicesContext.Provider value={services}>
      <App />
    </ServicesContext.Provider>
  );
  render(view, root);
  listenToKeys();
  for (const name of ['online', 'pageshow']) addEventListener(name, services.retry);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) services.retry();
  });
}

/** The code of the address, which is gone from it at once: an address is copied, a code is for this page alone. */
function takeCode(): string | undefined {
  const [, code] = /^#c=([\w-]+)$/.exec(location.hash) ?? [];
  if (code !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return code;
}

const root = document.getElementById('app');
if (root) void start(root);
