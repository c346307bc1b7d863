/** Registry of the tabs on the page of an execution. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { LogPane } from '../log/log-pane.js';
import type { TabProps } from './tab-props.js';

export interface Tab {
  /** Value of `tab` in the address. */
  id: string;
  label: string;
  View: ComponentType<TabProps>;
}

/** In the order of the page and of the keys 1, 2, 3. The first one is shown by default, so it is not loaded on demand. */
export const TABS: readonly [Tab, ...Tab[]] = [
  { id: 'log', label: 'Log', View: LogPane },
  { id: 'timeline', label: 'Timeline', View: onDemand(async () => (await import('./timeline.js')).TimelineTab) },
  { id: 'graph', label: 'Graph', View: onDemand(async () => (await import('./graph.js')).GraphTab) },
  { id: 'resources', label: 'Resources', View: onDemand(async () => (await import('./resources.js')).ResourcesTab) },
];

/** Returns a component that loads another one when it is shown first. */
function onDemand(load: () => Promise<ComponentType<TabProps>>): ComponentType<TabProps> {
  return function OnDemand(props) {
    const [loaded, setLoaded] = useState<{ View: ComponentType<TabProps> } | undefined>();
    useEffect(() => void load().then((View) => setLoaded({ View })), []);
    return loaded ? <loaded.View {...props} /> : null;
  };
}
