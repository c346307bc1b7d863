import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import t from 'tap';
import { VERSION } from '../src/core/base/version.js';
import { ROOT } from './helpers/daemon.js';

/**
 * Folders of src/ by level: each may import those of lower levels, and of its own level those that SIBLINGS names.
 * `workflows` and `bridges` are planned.
 */
const LEVELS = [
  ['core'],
  ['api'],
  ['platform', 'config'],
  ['protocol', 'formats', 'tailing'],
  ['journal', 'spool', 'client', 'agents'],
  ['runner', 'workflows', 'alerts', 'terminal', 'bridges'],
  ['daemon', 'cli', 'index'],
] as const;
const SIBLINGS: Readonly<Record<string, readonly string[]>> = { config: ['platform'], cli: ['daemon'] };
/** Never, whatever the level: the daemon serves clients and is not one. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = { daemon: ['client', 'terminal'] };
/** The viewer runs in the browser: it may import these, and the types of those. */
const VIEWER: readonly string[] = ['core'];
const VIEWER_TYPES: readonly string[] = ['api'];
const LIBRARY = path.join('src', 'index.ts');
/** The edge of the terminal; the rest of it is pure. */
const TERMINAL_EDGE = new Set(['box.ts', 'screen.ts', 'session.ts']);
/** Packages that a pure file may import. */
const PURE_PACKAGES = new Set(['get-east-asian-width']);
/** Files that may end the process, and have an effect when they are loaded. */
const ENTRY_POINTS = new Set([
  ...['src/cli/main.ts', 'src/daemon/main.ts', 'src/alerts/channels/notify.ts', 'src/runner/main.ts'],
  ...['viewer/main.tsx', 'viewer/live/hub-worker.ts'],
]);
/** Also this one, when memory can no longer be trusted. */
const MAY_EXIT = new Set([...ENTRY_POINTS, 'src/daemon/process.ts']);
/** Exported names that several files may declare: that of each command, and kinds of fields in the two schema languages. */
const SHARED_NAMES = new Set(['command', 'choice', 'count', 'flag', 'text', 'withDefault']);

const files = ['src', 'viewer']
  .filter((root) => existsSync(path.join(ROOT, root)))
  .flatMap((root) =>
    readdirSync(path.join(ROOT, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
      .map((name) => path.join(root, name)),
  );

function layerOf(file: string): string {
  const parts = file.split(path.sep);
  if (parts[0] === 'viewer') return 'viewer';
  if (file === LIBRARY) return 'index';
  return parts.length === 2 ? 'src' : (parts[1] ?? '');
}

function mayImport(layer: string, other: string): boolean {
  if (layer === other) return true;
  if (layer === 'viewer') return VIEWER.includes(other);
  const levelOf = (name: string) => LEVELS.findIndex((level) => level.some((folder) => folder === name));
  if (levelOf(layer) === -1 || levelOf(other) === -1 || FORBIDDEN[layer]?.includes(other)) return false;
  return levelOf(other) < levelOf(layer) || SIBLINGS[layer]?.includes(other) === true;
}

/** Import clauses that are erased. */
const TYPE_IMPORT = /^import type [^'"]*from\s+['"]([^'"]+)['"]/gm;

function typeImportsOf(source: string): Set<string> {
  return new Set([...source.matchAll(TYPE_IMPORT)].map((match) => match[1] ?? ''));
}

function importsOf(source: string): string[] {
  const found = source.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)['"]([^'"]+)['"]/gm);
  return [...found].map((match) => match[1] ?? '');
}

/** The source file of an import. */
function sourceOf(target: string): string {
  const [ts, tsx] = [target.replace(/\.js$/, '.ts'), target.replace(/\.js$/, '.tsx')];
  return files.includes(tsx) ? tsx : ts;
}

/** Violations in the imports of one file. */
function violations(file: string, source: string): string[] {
  const layer = layerOf(file);
  const types = layer === 'viewer' ? typeImportsOf(source) : new Set<string>();
  const pure = layer === 'core' || layer === 'api' || (layer === 'terminal' && !TERMINAL_EDGE.has(path.basename(file)));
  return importsOf(source).flatMap((target) => {
    if (!target.startsWith('.')) {
      const builtin = target.startsWith('node:') || builtinModules.includes(target);
      if (pure && (builtin || !PURE_PACKAGES.has(target))) return [`${file} is pure and imports ${target}`];
      return builtin && !target.startsWith('node:') ? [`${file} imports ${target} without node:`] : [];
    }
    const other = layerOf(path.join(path.dirname(file), target));
    if (types.has(target) && VIEWER_TYPES.includes(other)) return [];
    return mayImport(layer, other) ? [] : [`${file} (${layer}) imports ${target} (${other})`];
  });
}

t.test('each file imports only what its layer may import', async (t) => {
  t.ok(files.length > 50, 'the files are found');
  const found = files.flatMap((file) => violations(file, readFileSync(path.join(ROOT, file), 'utf8')));
  t.strictSame(found, []);
});

t.test('a planted violation is found', async (t) => {
  const planted = [
    ['src/client/x.ts', "import { a } from '../daemon/a.js';"],
    ['src/core/x.ts', "import path from 'node:path';"],
    ['src/api/x.ts', "import path from 'node:path';"],
    ['src/core/x.ts', "import { z } from 'yaml';"],
    ['src/terminal/view.ts', "import fs from 'node:fs';"],
    ['src/daemon/x.ts', "const { a } = await import('../client/a.js');"],
    ['src/journal/x.ts', "export * from '../cli/a.js';"],
    ['viewer/x.ts', "import type { A } from '../src/protocol/a.js';"],
    ['viewer/x.ts', "import { A } from '../src/api/a.js';"],
    ['src/api/x.ts', "import type { A } from '../platform/a.js';"],
    ['src/formats/x.ts', "import { a } from '../agents/a.js';"],
    ['src/daemon/x.ts', "import type { A } from '../terminal/a.js';"],
    ['src/new/x.ts', "import { a } from '../core/a.js';"],
    ['src/x.ts', "import { a } from './core/a.js';"],
  ] as const;
  for (const [file, source] of planted) t.equal(violations(file, source).length, 1, `${file}: ${source}`);
});

t.test('there are no import cycles, type-only imports included', async (t) => {
  const graph = new Map(
    files.map((file) => {
      const source = readFileSync(path.join(ROOT, file), 'utf8');
      const targets = importsOf(source).filter((target) => target.startsWith('.'));
      return [file, targets.map((target) => sourceOf(path.join(path.dirname(file), target)))];
    }),
  );
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (graph.get(from) ?? []).some((next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))));
  t.strictSame(
    files.filter((file) => reaches(file, file)),
    [],
  );
});

/** Names that several of these files export, each with the files. */
function homonyms(sources: ReadonlyMap<string, string>): string[] {
  const places = new Map<string, string[]>();
  const declarations = /^export (?:async |abstract )*(?:function\*?|class|interface|type|const|let|enum) ([\w$]+)/gm;
  for (const [file, source] of sources) {
    for (const [, name = ''] of source.matchAll(declarations)) places.set(name, [...(places.get(name) ?? []), file]);
  }
  return [...places]
    .filter(([name, declared]) => new Set(declared).size > 1 && !SHARED_NAMES.has(name))
    .map(([name, declared]) => `${name}: ${declared.join(', ')}`);
}

t.test('no exported name means two things', async (t) => {
  // the names of the library are chosen for its users
  const named = files.filter((file) => file !== LIBRARY);
  const sources = new Map(named.map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')]));
  t.strictSame(homonyms(sources), []);
  const planted = new Map([
    ['src/core/x.ts', 'export function fold(): void {}\nexport function fold(a: 1): void {}\nexport const only = 1;'],
    ['src/cli/x.ts', 'export async function* fold() {}\nexport const command = 1;'],
    ['src/cli/y.ts', 'export const command = 2;\nconst only = 1;'],
  ]);
  t.strictSame(homonyms(planted), ['fold: src/core/x.ts, src/core/x.ts, src/cli/x.ts']);
});

t.test('only the entry points end the process', async (t) => {
  for (const file of files) {
    if (MAY_EXIT.has(file)) continue;
    t.notMatch(readFileSync(path.join(ROOT, file), 'utf8'), /process\.(exit\(|exitCode)/, file);
  }
});

t.test('importing a module has no effect: no statement is outside of a declaration', async (t) => {
  for (const file of files) {
    if (ENTRY_POINTS.has(file)) continue;
    t.notMatch(readFileSync(path.join(ROOT, file), 'utf8'), /^(?:await |void |[a-z][\w.]*\()/m, file);
  }
});

t.test('the version is that of the package', async (t) => {
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  t.equal(VERSION, manifest.version);
});
