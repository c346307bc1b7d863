/** The frame around every page. Parts that the list does not need are loaded on demand. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { formatAge } from '../src/core/text/format.js';
import { Banner } from './banner.js';
import { staleReason, useModel, useServices } from './context.js';
import { List } from './list.js';
import { useKeys } from './keys.js';
import { go, useRoute } from './route.js';
import type { Theme } from './theme.js';
import { nextTheme, useTheme } from './theme.js';

let styled: Promise<void> | undefined;

/** Loads the styles of everything but the list. */
function loadStyles(): Promise<void> {
  styled ??= new Promise((resolve) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = '/assets/execution.css';
    // without styles the page is still usable
    link.onload = link.onerror = () => resolve();
    document.head.append(link);
  });
  return styled;
}

async function loadExecutionPage(): Promise<ComponentType<{ id: string }>> {
  const [{ ExecutionPage }] = await Promise.all([import('./execution.js'), loadStyles()]);
  return ExecutionPage;
}

async function loadKeysDialog(): Promise<ComponentType<{ onClose: () => void }>> {
  const [{ KeysDialog }] = await Promise.all([import('./keys-dialog.js'), loadStyles()]);
  return KeysDialog;
}

/** Loads the page of an execution when it is shown first. */
function useExecutionPage(wanted: boolean): ComponentType<{ id: string }> | undefined {
  const [page, setPage] = useState<{ component: ComponentType<{ id: string }> } | undefined>();
  useEffect(() => {
    if (wanted && !page) void loadExecutionPage().then((component) => setPage({ component }));
  }, [wanted]);
  return page?.component;
}

/** Requests the page of an execution in parallel to its values. */
export function preload(): void {
  void loadExecutionPage();
}

function useKeysDialog(): { open: () => void; dialog: preact.ComponentChildren } {
  const [Dialog, setDialog] = useState<{ component: ComponentType<{ onClose: () => void }> } | undefined>();
  return {
    open: () => void loadKeysDialog().then((component) => setDialog({ component })),
    dialog: Dialog && <Dialog.component onClose={() => setDialog(undefined)} />,
  };
}

export function App() {
  const { model } = useServices();
  const { id } = useRoute();
  const [theme, setTheme] = useTheme();
  const keys = useKeysDialog();
  useKeys(0, 'Everywhere', [
    { names: ['?'], what: 'These keys', run: keys.open },
    { names: ['c'], what: 'Colours: as the system has them, light, dark', run: () => setTheme(nextTheme(theme)) },
  ]);
  const Page = useExecutionPage(id !== undefined);
  useEffect(() => {
    model.show(id === undefined ? { kind: 'list' } : { kind: 'execution', id });
  }, [id, model]);
  return (
    <>
      <Header theme={theme} onTheme={setTheme} onKeys={keys.open} />
      <Banner />
      <Content>{id === undefined ? <List /> : Page && <Page key={id} id={id} />}</Content>
      {keys.dialog}
    </>
  );
}

function Content({ children }: { children: preact.ComponentChildren }) {
  const model = useModel();
  return <div class={staleReason(model) === undefined ? 'content' : 'content is-stale'}>{children}</div>;
}

interface HeaderProps {
  theme: Theme;
  onTheme: (theme: Theme) => void;
  onKeys: () => void;
}

function Header({ theme, onTheme, onKeys }: HeaderProps) {
  const model = useModel();
  const { state } = model.connection;
  const home = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go('/');
  };
  const next = nextTheme(theme);
  return (
    <header>
      <a class="home" href="/" onClick={home}>
        progress
      </a>
      <span class={`link l-${state}`}>{linkText(state, Date.now() - model.connection.heardAt)}</span>
      <button aria-label="Keys" title="Keys  ( ? )" onClick={onKeys}>
        ?
      </button>
      <button aria-label={`Colours: ${theme}. Change to ${next}`} onClick={() => onTheme(next)}>
        ◐ {theme}
      </button>
    </header>
  );
}

function linkText(state: string, age: number): string {
  switch (state) {
    case 'live':
      return 'connected';
    case 'polling':
      return 'connected, asking every 2 s';
    case 'lost':
      return `no connection for ${formatAge(age)}`;
    case 'refused':
      return 'shut out';
    default:
      return 'connecting';
  }
}
