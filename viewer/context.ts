/** Services that every component can use, and the hooks to get them. */
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Api } from './api.js';
import type { Bells } from './bells.js';
import type { Model } from './live/model.js';
import { STALE_AFTER_MS } from './live/model.js';

export interface Services {
  api: Api;
  model: Model;
  bells: Bells;
  /** Has the hub reconnect at once. */
  retry: () => void;
  /** Shows a message for a while, which screen readers announce. */
  announce: (text: string) => void;
}

export const ServicesContext = createContext<Services | undefined>(undefined);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error('there is no ServicesContext around this');
  return services;
}

/** Renders the component again when the model changes, and every second for its clocks while the page is visible. */
export function useModel(): Model {
  const { model } = useServices();
  const [, draw] = useState(0);
  useEffect(() => {
    const again = () => draw((count) => count + 1);
    const timer = setInterval(() => {
      if (!document.hidden) again();
    }, CLOCK_MS);
    const stop = model.onChange(again);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [model]);
  return model;
}

const CLOCK_MS = 1_000;

/** Returns why the values are stale and controls are disabled; undefined while they are current. */
export function staleReason(model: Model): string | undefined {
  const { state, heardAt } = model.connection;
  if (state === 'live' || state === 'polling') return undefined;
  if (state === 'refused') return 'This page has been shut out';
  if (Date.now() - heardAt < STALE_AFTER_MS) return undefined;
  return 'No connection to the daemon';
}
