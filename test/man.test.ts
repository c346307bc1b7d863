import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { configKeys, parseConfig } from '../src/config/load.js';
import { EVENT_TYPES } from '../src/core/events/event.js';
import { INTERACTIVE_PROGRAMS } from '../src/core/text/interactive.js';
import { translate } from '../src/core/events/event-aliases.js';
import { FOREIGN_TYPES } from '../src/core/events/event-alias-table.js';
import { ERROR_CODES } from '../src/core/base/errors.js';
import { MAX_LINE_DEPTH, MAX_LINE_BYTES, MAX_REPLY_BYTES, PROTOCOL_VERSION } from '../src/api/messages.js';
import { OPS, REQUESTS } from '../src/api/requests.js';
import type { Command } from '../src/cli/command.js';
import { COMMANDS } from '../src/cli/dispatch.js';
import { renderCommands, renderOptions, renderPage } from '../src/cli/manual.js';
import { FORMATS } from '../src/agents/formats.js';
import { matchesPattern, parsePattern, readTranscript } from './helpers/transcript.js';
import { whyNo } from './helpers/needs.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const FILES = readdirSync(path.join(ROOT, 'man'));
/** The page of the second name. */
const ALIAS = 'progressd.1';
const PAGES = FILES.filter((file) => file !== ALIAS);

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

function sections(page: string): Map<string, string> {
  const [, ...parts] = read(`man/${page}`).split(/^\.Sh /m);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part]));
}

function section(page: string, title: string): string {
  const text = sections(page).get(title);
  if (text === undefined) throw new Error(`${page} has no section ${title}`);
  return text;
}

/** Arguments of the items `.It MACRO one , two` of a section. */
function items(text: string, macro: string): string[] {
  const lines = text.matchAll(new RegExp(`^\\.It ${macro} (.+)$`, 'gm'));
  return [...lines].flatMap(([, names = '']) => names.split(' , '));
}

t.test('every page is installed, and the page of the second name is the overview', (t) => {
  const { man, bin } = JSON.parse(read('package.json')) as { man: string[]; bin: Record<string, string> };
  t.strictSame(
    man,
    FILES.sort().map((file) => `man/${file}`),
  );
  t.equal(read(`man/${ALIAS}`), '.so man1/progress.1\n');
  t.equal(bin['progressd'], bin['progress']);
  t.end();
});

t.test('mandoc reports nothing about any page', { skip: whyNo('mandoc') }, (t) => {
  const { stdout, stderr } = spawnSync('mandoc', ['-T', 'lint', '-W', 'all', ...PAGES], {
    cwd: path.join(ROOT, 'man'),
    encoding: 'utf8',
  });
  // it searches the installed pages, which ours are not: the next test searches ours
  const complaints = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => !/manual not found|outdated mandoc.db/.test(line));
  t.equal(complaints.join('\n'), '');
  t.end();
});

t.test('every referenced page of ours exists, and has its name', (t) => {
  for (const page of PAGES) {
    const name = page.replace(/\.\d$/, '');
    t.match(section(page, 'NAME'), new RegExp(`^\\.Nm ${name}\n\\.Nd \\S`, 'm'), page);
    for (const [, target, number] of read(`man/${page}`).matchAll(/^\.Xr (progress\S*) (\d)/gm)) {
      t.ok(PAGES.includes(`${target}.${number}`), `${page} refers to ${target}(${number})`);
    }
  }
  t.end();
});

t.test('the manual lists the programs that count as interactive by default', (t) => {
  const [, text = ''] = section('progress-alerts.7', 'INTERACTIVE PROGRAMS').split('.Bd -filled -offset indent\n');
  const listed = text.slice(0, text.indexOf('\n.Ed')).replaceAll('\n', ' ').split(', ');
  t.strictSame(listed, INTERACTIVE_PROGRAMS);
  t.end();
});

t.test('every page of a command has the standard sections', (t) => {
  for (const page of PAGES.filter((name) => name.endsWith('.1'))) {
    const titles = [...sections(page).keys()];
    const wanted = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'EXIT STATUS', 'EXAMPLES'];
    t.strictSame(
      titles.filter((title) => wanted.includes(title)),
      wanted,
      page,
    );
  }
  t.end();
});

t.test('commands, their pages and the overview refer to each other', (t) => {
  const names = Object.keys(COMMANDS).sort();
  t.not(names.length, 0);
  const pages = PAGES.map((page) => /^progress-(.*)\.1$/.exec(page)?.[1]).filter((name) => name !== undefined);
  t.strictSame(pages.sort(), names);
  t.strictSame(items(section('progress.1', 'COMMANDS'), 'Cm').sort(), names);
  t.end();
});

t.test('descriptions and options of the pages are those of --help', async (t) => {
  const loaded: Record<string, Command> = {};
  for (const [name, load] of Object.entries(COMMANDS)) {
    const command = (loaded[name] = await load());
    const page = read(`man/progress-${name}.1`);
    t.equal(renderPage(page, command), page, `progress-${name}.1 is current; otherwise run: npm run docs`);
    const mentioned = [...page.matchAll(/Fl Fl ([a-z-]+)/g)].map(([, option = '']) => option);
    t.strictSame([...new Set(mentioned)].sort(), Object.keys(command.options).sort(), name);
  }
  const overview = read('man/progress.1');
  t.equal(renderCommands(overview, loaded), overview, 'the overview too');
});

t.test('a rendered list has the text of the table, and keeps what is written by hand', (t) => {
  const page = [
    ...['.Sh OPTIONS', 'Any number of:', '.Bl -tag -width Ds', '.It Fl Fl gone', 'Old.'],
    ...['.It Fl Fl since Ar when', 'Old.', 'Details:', '.Bl -tag -width x', '.It Cm now', 'this', '.El'],
    ...['.It Fl Fl', 'End of the options.', '.El', '.Sh EXIT STATUS', ''],
  ].join('\n');
  const options = {
    label: { type: 'list', alias: 'l', value: 'key=value', describe: 'Add a label' },
    since: { type: 'string', value: 'time', describe: 'Print new events' },
  } as const;
  const rendered = renderOptions(page, options);
  t.match(
    rendered,
    [
      ...['Any number of:', '.Bl -tag -width Ds'],
      ...['.It Fl l Ar key Ns = Ns Ar value , Fl Fl label Ar key Ns = Ns Ar value', 'Add a label.'],
      ...['.It Fl Fl since Ar time', 'Print new events.', 'Details:', '.Bl -tag -width x', '.It Cm now', 'this', '.El'],
      ...['.It Fl Fl', 'End of the options.', '.El', '.Sh EXIT STATUS', ''],
    ].join('\n'),
  );
  t.equal(renderOptions(rendered, options), rendered);
  t.throws(() => renderOptions(page, {}), /not needed/);
  t.throws(() => renderOptions('.Sh NAME\n', options), /missing/);
  t.end();
});

t.test('progress.1 has every exit status and every variable', (t) => {
  const statuses = new Set(
    [...section('progress.1', 'EXIT STATUS').matchAll(/^\.It (\d+)$/gm)].map(([, status]) => Number(status)),
  );
  const ofLauncher = [...read('bin/progress').matchAll(/^ *exit ([1-9]\d*)/gm)].map(([, status]) => Number(status));
  const known = new Set([0, 1, ...ofLauncher, ...Object.values(ERROR_CODES)]);
  known.delete(127); // of a command that is not found, as of every shell
  t.strictSame(statuses, new Set([...known].sort((a, b) => a - b)));
  const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const text = sources
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`src/${file}`))
    .join('');
  const documented = section('progress.1', 'ENVIRONMENT');
  for (const [, variable = ''] of text.matchAll(/\b(?:env\[|env, )'(PROGRESS_[A-Z_]+)'/g)) {
    t.match(documented, new RegExp(`^\\.It Ev .*\\b${variable}\\b`, 'm'), variable);
  }
  t.end();
});

t.test('progress-config(5) has every key with its default and its bounds', (t) => {
  const text = section('progress-config.5', 'KEYS');
  const documented = [...text.matchAll(/^\.It Cm (\S+) No = Li (\S+)$/gm)].map(
    ([, key, value]) => `${key}=${value?.replaceAll('\\(dq', '"')}`,
  );
  t.strictSame(
    documented,
    configKeys().map((entry) => `${entry.key}=${entry.default}`),
  );
  for (const { key, type, wanted } of configKeys()) {
    const item = text.slice(text.indexOf(`.It Cm ${key} `)).split(/^\.It Cm \S+ No/m)[1] ?? '';
    const words =
      type === 'choice' ? wanted.replace('one of ', '').split(', ') : [wanted.split(',')[0]?.slice(2) ?? ''];
    for (const word of words) t.match(item, word, key);
  }
  t.end();
});

t.test('progress-alerts(7) has every key of a channel, and its example is a configuration', (t) => {
  const channels = section('progress-alerts.7', 'CHANNELS');
  for (const type of ['Webhook', 'Email', 'Command']) {
    const [, text = ''] =
      new RegExp(`^\\.Ss ${type.toLowerCase()}\n([\\s\\S]*?)(?=^\\.Ss |$(?![\\s\\S]))`, 'm').exec(channels) ?? [];
    const [, body = ''] =
      new RegExp(`^export interface ${type}Config extends ChannelBase \\{\n([\\s\\S]*?)^\\}`, 'm').exec(
        read('src/config/channel-schema.ts'),
      ) ?? [];
    const keys = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, key = '']) => key);
    t.ok(keys.length > 2, type);
    const documented = items(text, 'Cm').map((key) => key.replace(/ No = Li .*/, ''));
    for (const key of keys.filter((name) => name !== 'type')) t.ok(documented.includes(key), `${type}: ${key}`);
  }
  const [, example = ''] = /^\.Bd -literal.*\n([\s\S]*?)^\.Ed/m.exec(section('progress-alerts.7', 'EXAMPLES')) ?? [];
  t.ok(Object.keys(parseConfig(example, 'example').channels).length > 3);
  t.end();
});

t.test('progress-events(7) has every type and every name of the other vocabularies', (t) => {
  t.strictSame(items(section('progress-events.7', 'TYPES'), 'Cm'), EVENT_TYPES);
  const documented = items(section('progress-events.7', 'OTHER VOCABULARIES'), 'Ic');
  t.strictSame(documented.toSorted(), FOREIGN_TYPES.toSorted());
  for (const type of documented) t.equal(translate({ type, data: { executionId: 'e' } }).data['as'], type);
  t.end();
});

t.test('progress-protocol(7) has every request, error and bound', (t) => {
  t.strictSame(items(section('progress-protocol.7', 'REQUESTS'), 'Ic'), OPS);
  t.strictSame(
    items(section('progress-protocol.7', 'ERROR CODES'), 'Er'),
    Object.entries(ERROR_CODES).map(([code, status]) => `${code} Pq ${status}`),
  );
  const description = section('progress-protocol.7', 'DESCRIPTION');
  const bounds = [
    `version ${PROTOCOL_VERSION} of`,
    `${MAX_LINE_BYTES / 2 ** 10} KiB`,
    `${MAX_LINE_DEPTH} deep`,
    `${MAX_REPLY_BYTES / 2 ** 20} MiB`,
  ];
  for (const bound of bounds) t.match(description, bound);
  t.end();
});

t.test('the generated parts of the pages are up to date', (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['test/docs.mjs', '--check'], { cwd: ROOT, encoding: 'utf8' });
  t.strictSame({ status, stderr }, { status: 0, stderr: '' });
  const requests = section('progress-protocol.7', 'REQUESTS');
  const fields = Object.values(REQUESTS).flatMap((request) => Object.keys(request.fields));
  const listed = requests + section('progress-protocol.7', 'SUBSCRIPTIONS');
  for (const field of new Set(fields)) t.match(listed, new RegExp(`^\\.It Cm ${field}\\b`, 'm'), field);
  t.end();
});

t.test('the transcript can be replayed: lines of JSON, with the invalid ones in their place', (t) => {
  const lines = readTranscript(read('man/progress-protocol.7'));
  const client = lines.filter(({ from }) => from === 'client').map(({ text }) => text);
  const bad = client.filter((text) => !isJson(text));
  t.strictSame(bad, ['{"type":']);
  const errors = lines.filter(({ text }) => text.startsWith('D: ') || text.includes('"bad_json"'));
  t.match(errors, [{ text: `"line":${client.indexOf('{"type":') + 1}` }]);
  for (const { from, text } of lines) if (from === 'daemon') t.type(parsePattern(text), 'object', text);
  for (const op of ['hello', 'emit', 'list', 'get', 'subscribe'])
    t.ok(
      client.some((text) => text.includes(`"op":"${op}"`)),
      op,
    );
  t.end();
});

t.test('continued lines of a transcript are joined, without its escapes', (t) => {
  const source = '.Bd -literal\nC: {"a":\nC:  "\\en"}\nD: {"b":1}\n.Ed\nC is a letter\n';
  t.strictSame(readTranscript(source), [
    { from: 'client', text: '{"a":"\\n"}' },
    { from: 'daemon', text: '{"b":1}' },
  ]);
  t.end();
});

t.test('a placeholder matches any value, a numbered one the same everywhere', (t) => {
  const bindings = new Map<string, unknown>();
  const matches = (pattern: string, value: unknown) => matchesPattern(parsePattern(pattern), value, bindings);
  t.ok(matches('{"seq":<seq1>,"time":"<time>"}', { seq: 7, time: 'now', more: true }));
  t.ok(matches('{"list":[<seq1>,"<word>"]}', { list: [7, 'anything'] }));
  t.notOk(matches('{"seq":<seq1>}', { seq: 8 }));
  t.notOk(matches('{"seq":<seq2>}', {}));
  t.notOk(matches('{"list":[<any>]}', { list: [1, 2] }));
  t.notOk(matches('{"a":{"b":1}}', { a: { b: 2 } }));
  t.notOk(matches('{"a":null}', { a: 0 }));
  t.end();
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

t.test('the page has every format of output, and no other', (t) => {
  const names = [...FORMATS.all.map(({ name }) => name), 'auto', 'plain'];
  t.strictSame(items(section('progress-streams.7', 'FORMATS'), 'Cm').sort(), names.sort());
  t.end();
});
