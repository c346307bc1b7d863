/** The state of the page in its address, so that an address can be shared. */
import { useEffect, useState } from 'preact/hooks';

export interface ViewerRoute {
  /** Execution of the page; undefined for the list. */
  id: string | undefined;
  query: URLSearchParams;
  hash: string;
}

const MOVED = 'progress:moved';

export function currentRoute(): ViewerRoute {
  const [, id] = /^\/executions\/([^/]+)$/.exec(location.pathname) ?? [];
  return {
    id: id === undefined ? undefined : decodeURIComponent(id),
    query: new URLSearchParams(location.search),
    hash: location.hash,
  };
}

export function pathOf(id: string): string {
  return `/executions/${encodeURIComponent(id)}`;
}

/** Opens another page. */
export function go(path: string): void {
  history.pushState(null, '', path);
  dispatchEvent(new Event(MOVED));
}

/** Replaces the path without a new entry in the history. */
export function replacePath(path: string): void {
  history.replaceState(null, '', path + location.search + location.hash);
  dispatchEvent(new Event(MOVED));
}

/** Changes fields of the query without a new entry in the history. Empty values remove them. */
export function setQuery(change: Readonly<Record<string, string>>, hash = location.hash): void {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(change)) {
    if (value === '') query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  history.replaceState(null, '', `${location.pathname}${text && `?${text}`}${hash}`);
  dispatchEvent(new Event(MOVED));
}

export function useRoute(): ViewerRoute {
  const [route, setRoute] = useState(currentRoute);
  useEffect(() => {
    const update = () => setRoute(currentRoute());
    const events = [MOVED, 'popstate', 'hashchange'];
    for (const name of events) addEventListener(name, update);
    return () => {
      for (const name of events) removeEventListener(name, update);
    };
  }, []);
  return route;
}
