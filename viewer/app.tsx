/** The frame around every page. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { formatAge } from '../src/core/format.js';
import { Banner } from './banner.js';
import { staleReason, useModel, useServices } from './context.js';
import { List } from './list.js';
import { currentTheme, setTheme, THEMES } from './theme.js';
import { go, useRoute } from './route.js';

/** Loaded when it is needed first: whoever looks at the list does not wait for it. */
function useExecutionPage(wanted: boolean): ComponentType<{ id: string }> | undefined {
  const [page, setPage] = useState<{ component: ComponentType<{ id: string }> } | undefined>();
  useEffect(() => {
    if (wanted && !page)
      void import('./execution.js').then(({ ExecutionPage }) => setPage({ component: ExecutionPage }));
  }, [wanted]);
  return page?.component;
}

/** Asked for with the page, so that it is there when the values are. */
export function preload(): void {
  void import('./execution.js');
}

export function App() {
  const { model } = useServices();
  const { id } = useRoute();
  const Page = useExecutionPage(id !== undefined);
  useEffect(() => {
    model.show(id === undefined ? { kind: 'list' } : { kind: 'execution', id });
  }, [id, model]);
  return (
    <>
      <Header />
      <Banner />
      <Content>{id === undefined ? <List /> : Page && <Page key={id} id={id} />}</Content>
    </>
  );
}

function Content({ children }: { children: preact.ComponentChildren }) {
  const model = useModel();
  return <div class={staleReason(model) === undefined ? 'content' : 'content is-stale'}>{children}</div>;
}

function Header() {
  const model = useModel();
  const [theme, choose] = useState(currentTheme);
  const { state } = model.link;
  const home = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go('/');
  };
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  return (
    <header>
      <a class="home" href="/" onClick={home}>
        progress
      </a>
      <span class={`link l-${state}`}>{linkText(state, Date.now() - model.link.heardAt)}</span>
      <button
        class="theme"
        aria-label={`Colours: ${theme}. Change to ${next}`}
        onClick={() => {
          setTheme(next);
          choose(next);
        }}
      >
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
