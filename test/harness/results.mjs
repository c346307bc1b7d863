// Reads the TAP of a whole run as it comes: prints a line per test file and every failure with its details.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Parser } from 'tap-parser';
import { OUTPUT } from './bundle.mjs';

/**
 * @param stream - TAP of a whole run
 * @param {{ print: (text: string) => void }} options
 * @returns a promise of `{ passed, failures, skips, files }`: failures and skips are `{ name, reason }`, files are
 *   `{ name, seconds, processor? }`, the slowest first
 */
export async function collectResults(stream, { print }) {
  const [failures, skips, files] = [[], [], []];
  let passed = 0;
  const parser = new Parser();
  parser.on('result', ({ ok, skip, todo, fullname, diag }) => {
    const name = nameOf(fullname);
    if (skip) skips.push({ name, reason: skip === true ? '' : skip });
    else if (ok || todo) passed += 1;
    else {
      failures.push({ name, reason: diag?.message ?? '' });
      print(`✗ ${name}\n${indent(detailsOf(diag))}`);
    }
  });
  // the assertions of the outermost level are the files
  parser.on('assert', ({ ok, name, time }) => {
    const file = { name: nameOf(name), seconds: (time ?? 0) / 1000 };
    files.push(file);
    print(`${ok ? '✓' : '✗'} ${formatFile(file)}`);
  });
  stream.pipe(parser);
  await new Promise((resolve) => parser.once('complete', resolve));
  files.sort((a, b) => b.seconds - a.seconds);
  return { passed, failures, skips, files };
}

/** Adds to each file the processor time that its process has recorded in `record`; see environment.ts. */
export function addProcessorSeconds(files, record) {
  if (!existsSync(record)) return;
  const recorded = new Map(
    readFileSync(record, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([file, seconds]) => [nameOf(path.relative('', file)), Number(seconds)]),
  );
  for (const file of files) file.processor = recorded.get(file.name);
}

export function formatFile({ name, seconds, processor }) {
  const columns = [seconds, ...(processor === undefined ? [] : [processor])];
  return [...columns.map((value) => `${value.toFixed(1).padStart(6)} s`), name].join('  ');
}

/** The skips that no line of the list allows; a line is the beginning of a test's full name, `#` begins a comment. */
export function unexpectedSkips(skips, list) {
  const allowed = readFileSync(list, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean);
  return skips.filter(({ name }) => !allowed.some((beginning) => name.startsWith(beginning)));
}

/** `.tap/bundle/test/cli/ps.test.mjs > a test > an assertion` by its source. */
function nameOf(fullname) {
  return fullname
    .replace(`${OUTPUT}${path.sep}`, '')
    .replace(/\.test\.mjs\b/, '.test.ts')
    .replace(/\.mjs\b/, '');
}

/** `key: value` lines; what has several lines is indented below its key. */
function detailsOf(diag) {
  return Object.entries(diag ?? {})
    .map(([key, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return text.trimEnd().includes('\n') ? `${key}:\n${indent(text.trimEnd())}` : `${key}: ${text.trim()}`;
    })
    .join('\n');
}

function indent(text) {
  return text.replace(/^(?=.)/gm, '    ');
}
