/** A real browser with pages of the viewer, which report no errors. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { t as root } from 'tap';
import type { Test } from 'tap';
import { findInPath } from '../../src/platform/paths.js';
import type { WebHome } from './http.js';
import { openWeb } from './http.js';

/** The headless shell takes half of the processor time of the others. */
const BROWSERS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];
const [PROGRAM] = BROWSERS.flatMap((name) => findInPath(name, process.env['PATH']));

/** Why tests in a browser are skipped; false if one is installed. */
export const noBrowser = (PROGRAM === undefined || !existsSync(PROGRAM)) && 'chromium is not installed';

/** Exceeded only by a hang. */
const DEADLINE_MS = 60_000;

/** A name that the browser resolves to this machine. */
export const REBOUND_HOST = 'rebound.example';

let shared: Promise<Browser> | undefined;

/** The one browser of a test file: starting it takes longer than most tests; contexts keep tests apart. */
function openBrowser(): Promise<Browser> {
  return (shared ??= launch());
}

async function launch(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: PROGRAM ?? 'chromium',
    // root has no sandbox; only our own pages are opened
    args: ['--no-sandbox', `--host-resolver-rules=MAP ${REBOUND_HOST} 127.0.0.1`],
  });
  root.teardown(() => browser.close());
  return browser;
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** Errors and policy violations that the browser reports for the page. */
  complaints: string[];
}

export interface Viewer extends WebHome {
  /** A browser window that has no access yet; `origin` is the address of the viewer, if a tunnel leads there. */
  visit(path?: string, options?: BrowserContextOptions & { origin?: string }): Promise<Visit>;
  /** Opens another tab in the same browser. */
  another(context: BrowserContext, path: string): Promise<Page>;
  emit(...events: Record<string, unknown>[]): Promise<void>;
}

export async function openViewer(t: Test, config = 'alerts: { desktop: false }\n'): Promise<Viewer> {
  const web = await openWeb(t, config);
  const browser = await openBrowser();
  const own = `http://127.0.0.1:${web.port}`;
  return {
    ...web,
    async visit(path = '/', { origin = own, ...options } = {}) {
      // animations would be drawn permanently, in software
      const usual = { viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' } as const;
      const context = await browser.newContext({ ...usual, ...options });
      t.teardown(() => context.close());
      context.setDefaultTimeout(DEADLINE_MS);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        // the page itself shows network errors
        if (message.type() === 'error' && !message.text().includes('ERR_')) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error.stack)));
      const { code = '' } = await web.client.call('web', { on: true });
      await page.goto(`${origin}${path}${path.includes('#') ? '' : `#c=${code}`}`);
      return { page, context, complaints };
    },
    async another(context, path) {
      const page = await context.newPage();
      await page.goto(own + path);
      return page;
    },
    async emit(...events) {
      await Promise.all(events.map((event) => web.client.call('emit', { event })));
    },
  };
}
