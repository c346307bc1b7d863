/** Entry point of the page: connects the services and renders the application. */
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

/** Time for which a message is shown. */
const ANNOUNCE_MS = 4_000;

async function start(root: HTMLElement): Promise<void> {
  applyTheme(currentTheme());
  if (currentRoute().id !== undefined) preload();
  const code = takeCode();
  const api = new Api();
  if (code === undefined) api.token = rememberedToken();
  const announce = createAnnouncer();
  const { model, hub } = connectModel(api);
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
  render(
    <ServicesContext.Provider value={services}>
      <App />
    </ServicesContext.Provider>,
    root,
  );
  listenToKeys();
  for (const name of ['online', 'pageshow']) addEventListener(name, services.retry);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) services.retry();
  });
}

/** Creates the model and passes it the messages of the hub. */
function connectModel(api: Api): { model: Model; hub: HubLink } {
  const model = new Model(api, () => hub);
  const hub = new HubLink((message) => {
    switch (message.kind) {
      case 'token':
        api.token = message.token;
        return rememberToken(message.token);
      case 'connection':
        return model.setConnection(message.connection);
      case 'events':
        return model.apply(message.events);
      case 'reset':
        return model.refresh();
    }
  });
  return { model, hub };
}

/** Creates the element for messages. @returns A function that shows one for a while. */
function createAnnouncer(): (text: string) => void {
  const status = document.createElement('div');
  status.className = 'toast';
  status.setAttribute('role', 'status');
  document.body.append(status);
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (text) => {
    clearTimeout(timer);
    status.textContent = text;
    timer = setTimeout(() => (status.textContent = ''), ANNOUNCE_MS);
  };
}

/** Returns the code of the address and removes it there: an address may be shared, and a code is for this page only. */
function takeCode(): string | undefined {
  const [, code] = /^#c=([\w-]+)$/.exec(location.hash) ?? [];
  if (code !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return code;
}

const root = document.getElementById('app');
if (root) void start(root);
