import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { openSettings } from '../../src/daemon/settings.js';
import { waitFor, waitUntilStable } from '../helpers/wait.js';

function follow(t: Test, file: string) {
  const log: string[] = [];
  const settings = openSettings({ file, log: (message) => log.push(message) });
  t.teardown(() => settings.close());
  const rates: number[] = [];
  settings.onChange((config) => void rates.push(config.watch.rate));
  const becomes = async (rate: number) =>
    await waitFor(`a rate of ${rate}`, () => settings.current.watch.rate === rate);
  const isWrong = async (pattern: RegExp) =>
    await waitFor(`a problem like ${pattern.source}`, () =>
      settings.status().problems.some((line) => pattern.test(line)),
    );
  return { settings, log, rates, becomes, isWrong };
}

function rateOf(rate: number | string): string {
  return `watch:\n  rate: ${rate}\n`;
}

t.test('each change of the file is applied, and listeners are called', async (t) => {
  const file = path.join(t.testdir({ 'config.yaml': rateOf(1) }), 'config.yaml');
  const { settings, log, rates, becomes } = follow(t, file);
  t.equal(settings.current.watch.rate, 1);
  for (const rate of [2, 3]) {
    writeFileSync(file, rateOf(rate));
    await becomes(rate);
  }
  t.strictSame(rates, [2, 3]);
  t.strictSame(
    log,
    [2, 3].map(() => `configuration: ${file} was applied`),
  );
  t.strictSame(settings.status().problems, []);
});

t.test('the last of several quick changes is applied', async (t) => {
  const file = path.join(t.testdir({ 'config.yaml': rateOf(1) }), 'config.yaml');
  const { becomes } = follow(t, file);
  writeFileSync(file, rateOf(2));
  await becomes(2);
  for (let rate = 3; rate <= 12; rate++) {
    writeFileSync(file, rateOf(rate));
    await delay(5); // of several changes at once a watcher may report the first only
  }
  await becomes(12);
});

t.test('a file that is replaced, removed and created again is still watched', async (t) => {
  const directory = t.testdir({ 'config.yaml': rateOf(1) });
  const file = path.join(directory, 'config.yaml');
  const { becomes } = follow(t, file);
  for (const rate of [2, 3]) {
    writeFileSync(`${file}.new`, rateOf(rate));
    renameSync(`${file}.new`, file);
    await becomes(rate);
  }
  rmSync(file);
  await becomes(10); // all defaults
  writeFileSync(file, rateOf(4));
  await becomes(4);
  rmSync(file);
  await becomes(10);
  writeFileSync(path.join(directory, 'real.yaml'), rateOf(5));
  symlinkSync('real.yaml', file);
  await becomes(5);
  writeFileSync(path.join(directory, 'real.yaml'), rateOf(6));
  await becomes(6);
});

t.test('a file is found when its directory is created later', async (t) => {
  const directory = path.join(t.testdir(), 'not/yet');
  const file = path.join(directory, 'config.yaml');
  const { becomes } = follow(t, file);
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, rateOf(2));
  await becomes(2);
  rmSync(directory, { recursive: true });
  await becomes(10);
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, rateOf(3));
  await becomes(3);
});

t.test('an invalid file keeps the previous values, and is reported once per content', async (t) => {
  const directory = t.testdir({ 'config.yaml': rateOf(1) });
  const file = path.join(directory, 'config.yaml');
  const { settings, log, rates, becomes, isWrong } = follow(t, file);
  const { since } = settings.status();

  writeFileSync(file, rateOf('fast'));
  await isWrong(/config.yaml:2:9: watch.rate: is "fast"/);
  writeFileSync(file, rateOf('fast')); // the same again, and with another time
  await waitUntilStable('the log', () => log.length);
  writeFileSync(file, 'watch: [');
  await isWrong(/Flow sequence/);
  truncateSync(file, 10 * 1024 * 1024);
  await isWrong(/the file is longer than/);
  rmSync(file);
  mkdirSync(file);
  await isWrong(/is not a regular file/);
  t.equal(settings.current.watch.rate, 1);
  t.equal(settings.status().since, since);
  t.strictSame(rates, []);
  t.equal(log.length, 4);
  t.ok(log.every((message) => message.startsWith('configuration: the file is invalid')));

  rmSync(file, { recursive: true });
  writeFileSync(file, rateOf(1));
  await waitFor('the file to be right', () => settings.status().problems.length === 0);
  t.match(log.at(-1), /is valid and changes nothing$/);
  t.strictSame(rates, [], 'nothing has changed');
  writeFileSync(file, rateOf(2));
  await becomes(2);
});

t.test('a file is not applied while it is being written', async (t) => {
  const file = path.join(t.testdir({ 'config.yaml': rateOf(1) }), 'config.yaml');
  const { log, becomes } = follow(t, file);
  writeFileSync(file, rateOf(2));
  await becomes(2);
  // each of these is valid, and has another value
  for (let written = 0; written < 10; written++) {
    writeFileSync(file, `watch:\n  rate: 1${'\n'.repeat(written)}`);
    await delay(50);
  }
  writeFileSync(file, rateOf(3));
  await becomes(3);
  t.equal(log.length, 2);
});

t.test('an invalid file at the start is an error', async (t) => {
  const file = path.join(t.testdir({ 'config.yaml': rateOf('fast') }), 'config.yaml');
  t.throws(() => openSettings({ file, log: () => undefined }), { code: 'bad_config' });
});

t.test('the failure of a listener is logged, and the other listeners are called', async (t) => {
  const file = path.join(t.testdir(), 'config.yaml');
  const log: string[] = [];
  const settings = openSettings({ file, log: (message) => log.push(message) });
  t.teardown(() => settings.close());
  const rates: number[] = [];
  settings.onChange(() => Promise.reject(new Error('no room')));
  settings.onChange((config) => void rates.push(config.watch.rate));
  writeFileSync(file, rateOf(2));
  await waitFor('the second listener', () => rates.length > 0);
  t.match(log.at(-1), /^configuration: .*no room/);
});
