import { createServer } from 'node:http';
import t from 'tap';
import type { Test } from 'tap';
import { noBrowser, openViewer, REBOUND_HOST } from '../helpers/browser.js';

/** Texts that are harmful as markup, as a URL, or as a style. */
const CORPUS = [
  '<script>window.hit=1</script>',
  '<img src=x onerror="window.hit=1">',
  '"><svg onload=window.hit=1>',
  "'; window.hit=1; '",
  '</script><script>window.hit=1</script>',
  'javascript:window.hit=1',
  'https://example.com/"onmouseover="window.hit=1',
  '${window.hit=1}{{constructor.constructor("window.hit=1")()}}',
  '\u001b]8;;javascript:window.hit=1\u0007click\u001b]8;;\u0007',
  '\u001b[31m<b>red</b>\u001b[0m',
  '\u202eevil\u2066',
  '&lt;script&gt;window.hit=1&lt;/script&gt;',
  '<style>*{display:none}</style><iframe src=javascript:window.hit=1>',
];
/** An ID has no control characters. */
const stepOf = (text: string) => `s${text.replace(/[\u0000-\u001f]/g, '')}`;
const kindsOf = `[...new Set([...document.querySelectorAll('*')].map((one) => one.localName))].sort().join()`;

t.test('hostile text in every field of every event stays text', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  const story = (text: string, id: string) => [
    {
      type: 'execution_started',
      execution: id,
      ...{ name: text, agent: text, cwd: text, host: text, kind: text, argv: [text], labels: { [text]: text } },
    },
    {
      type: 'step_started',
      execution: id,
      step: stepOf(text),
      name: text,
      kind: text,
      role: text,
      provider: text,
      model: text,
    },
    { type: 'step_started', execution: id, step: 'two', name: text, needs: [stepOf(text)], parent: text },
    { type: 'progress', execution: id, current: 1, total: 2, unit: text, message: text },
    { type: 'output', execution: id, stream: text, text },
    { type: 'output', execution: id, stream: 'stderr', text: `see https://example.com/${text}` },
    { type: 'log', execution: id, level: text, message: text, fields: { [text]: text } },
    { type: 'activity', execution: id, kind: text, tool: text, input: { [text]: text }, text },
    { type: 'activity', execution: id, kind: 'tool-call', tool: text, input: { [text]: text }, text },
    { type: 'attention', execution: id, state: 'waiting', reason: text },
    { type: `custom ${id}`, execution: id, data: { [text]: text } },
    { type: 'step_failed', execution: id, step: 'two', error: text, commits: [text] },
    { type: 'execution_failed', execution: id, error: text, signal: text, summary: text },
  ];
  const harmless = 'harmless https://example.com/x';
  for (const event of story(harmless, 'plain')) await viewer.emit(event);
  for (const [index, text] of CORPUS.entries())
    for (const event of story(text, `evil${index}`)) await viewer.emit(event);

  const { page, complaints } = await viewer.visit();
  await page.locator('[data-id=evil0]').waitFor();
  const kinds: string[] = [];
  const tabs = { Log: '.log', Timeline: '.timeline', Graph: '.graph', Resources: '.empty' };
  for (const id of ['plain', ...CORPUS.map((_, index) => `evil${index}`)]) {
    await page.goto(`http://127.0.0.1:${viewer.port}/executions/${id}`);
    for (const [tab, content] of Object.entries(tabs)) {
      await page.getByRole('tab', { name: tab }).click();
      await page.locator('.steps').waitFor();
      await page.locator(`#panel ${content}`).first().waitFor(); // each tab is loaded when it is shown
      if (tab === 'Log') {
        await page.locator('.log .row[data-line="12"]').waitFor();
        await page.locator('.log .open').last().click();
      }
      kinds.push(`${tab} ${await page.evaluate<string>(kindsOf)}`);
    }
  }
  const plain = new Set(kinds.slice(0, Object.keys(tabs).length));
  // whatever depends on a text being a link is in the harmless one too
  for (const kind of kinds)
    t.ok(
      [...plain].some((known) => covers(known, kind)),
      kind,
    );
  t.equal(await page.evaluate('window.hit'), undefined);
  t.equal(await page.evaluate(`document.querySelectorAll('a[href^="javascript"]').length`), 0);
  t.strictSame(complaints, [], 'the policy had nothing to stop');
});

/** Elements that the harmless page of the same tab does not have. */
function covers(known: string, kind: string): boolean {
  const [knownTab, knownList = ''] = known.split(' ');
  const [tab, list = ''] = kind.split(' ');
  const allowed = new Set(knownList.split(','));
  return knownTab === tab && list.split(',').every((name) => allowed.has(name) || name === 'a');
}

/** Another server of this machine: the page of an attacker. */
async function openAttacker(t: Test, html: string): Promise<number> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(html);
  });
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

t.test('a page on another port reads nothing and changes nothing', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  await viewer.emit({ type: 'execution_started', execution: 'x', name: 'Victim' });
  const before = JSON.stringify(await viewer.client.call('list', { all: true }));
  const target = `http://127.0.0.1:${viewer.port}`;
  const port = await openAttacker(t, '<!doctype html><title>evil</title><body>');
  const { page, context } = await viewer.visit();
  await page.getByRole('link', { name: 'Victim' }).waitFor();
  const evil = await context.newPage();
  await evil.goto(`http://127.0.0.1:${port}/`);
  const results = await evil.evaluate<[string, string][]>(`(async () => {
    const target = ${JSON.stringify(target)};
    const got = [];
    const attempt = async (what, work) => { try { got.push([what, String(await work())]); } catch { got.push([what, 'nothing']); } };
    for (const path of ['/', '/api/v1/executions', '/stream/progress', '/metrics', '/healthz', '/assets/main.js']) {
      await attempt('fetch ' + path, async () => (await fetch(target + path)).status);
      await attempt('opaque ' + path, async () => (await (await fetch(target + path, { mode: 'no-cors' })).text()) || 'nothing');
      await attempt('script ' + path, () => new Promise((resolve, reject) => {
        const script = document.createElement('script');
        script.src = target + path; script.onload = () => resolve('loaded'); script.onerror = reject;
        document.body.append(script);
      }));
      await attempt('image ' + path, () => new Promise((resolve, reject) => {
        const image = new Image(); image.onload = () => resolve('loaded'); image.onerror = reject; image.src = target + path;
      }));
    }
    await attempt('EventSource', () => new Promise((resolve, reject) => {
      const source = new EventSource(target + '/stream/progress');
      source.onopen = () => resolve('open'); source.onerror = () => { source.close(); reject(); };
    }));
    await attempt('WebSocket', () => new Promise((resolve, reject) => {
      const socket = new WebSocket(target.replace('http', 'ws') + '/stream/progress');
      socket.onopen = () => resolve('open'); socket.onerror = reject;
    }));
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
      await attempt('post ' + type, async () => (await fetch(target + '/emit', {
        method: 'POST', mode: type === 'application/json' ? 'cors' : 'no-cors', headers: { 'Content-Type': type },
        body: '{"type":"log","execution":"evil"}' })).status || 'nothing');
    }
    await attempt('worker', () => {
      new SharedWorker(target + '/assets/hub.js');
      return 'made';
    });
    await attempt('frame', () => new Promise((resolve) => {
      const frame = document.createElement('iframe'); frame.src = target + '/';
      frame.onload = () => { try { resolve(frame.contentDocument.title || 'nothing'); } catch { resolve('nothing'); } };
      document.body.append(frame);
    }));
    const opened = window.open(target + '/');
    await attempt('window', async () => {
      // empty until it is loaded, and then inaccessible
      while (!opened.closed && opened.document.title === '') await new Promise((resolve) => setTimeout(resolve, 10));
      return opened.closed ? 'nothing' : opened.document.title;
    });
    return got;
  })()`);
  t.ok(results.length > 25);
  for (const [what, outcome] of results) t.equal(outcome, 'nothing', what);
  t.equal(JSON.stringify(await viewer.client.call('list', { all: true })), before);
});

t.test('a name that is rebound to this machine is refused', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  const { page } = await viewer.visit();
  for (const path of ['/', '/api/v1/executions', '/healthz', '/assets/main.js']) {
    const answer = await page.goto(`http://${REBOUND_HOST}:${viewer.port}${path}`);
    t.equal(answer?.status(), 403, path);
    t.notMatch(await page.content(), 'progress</title>');
  }
});

t.test('the token stays in the page', { skip: noBrowser }, async (t) => {
  const viewer = await openViewer(t);
  const { page, context } = await viewer.visit();
  await page.getByText('Nothing has run yet').waitFor();
  const urls: string[] = [];
  page.on('request', (request) => urls.push(`${request.url()} ${JSON.stringify(request.headers()['referer'] ?? '')}`));
  await viewer.emit({ type: 'execution_started', execution: 'x', name: 'Go on' });
  await page.getByText('Go on').click();
  await page.locator('.log').waitFor();
  await page.goBack();
  t.ok(urls.length > 0);
  t.notOk(urls.some((url) => url.includes(viewer.token)));
  t.notOk(page.url().includes('c='));
  t.strictSame(await context.cookies(), []);
  t.notOk((await page.evaluate<string>('JSON.stringify(localStorage)')).includes(viewer.token));
  const history = await page.evaluate<number>('history.length');
  t.ok(history < 6);
});
