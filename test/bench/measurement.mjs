// What --save writes and --compare reads: figures with the commit, Node version and machine that they belong to.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import path from 'node:path';

const FORMAT = 1;

/**
 * Identifies a built checkout.
 * @returns { commit, modified, stale }: `commit` is null outside of a Git repository, `stale` says that the sources are
 *   newer than the build.
 * @throws {Error} If the directory holds no built checkout.
 */
export function identify(root) {
  const built = statSync(path.join(root, 'dist/daemon.js'), { throwIfNoEntry: false });
  if (!built) throw new Error(`${root} holds no built checkout; run 'npm run build' there`);
  const git = (...args) => spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' }).stdout?.trim();
  const sources = readdirSync(path.join(root, 'src'), { recursive: true }).map((name) => path.join(root, 'src', name));
  return {
    commit: git('rev-parse', 'HEAD') || null,
    modified: Boolean(git('status', '--porcelain')),
    stale: sources.some((file) => statSync(file).mtimeMs > built.mtimeMs),
  };
}

/** @returns The short commit, with what makes it uncertain. */
export function nameOf({ commit, modified, stale }) {
  const doubts = [modified && 'uncommitted changes', stale && 'sources newer than the build'].filter(Boolean);
  return `${commit?.slice(0, 10) ?? 'unknown commit'}${doubts.length > 0 ? ` (${doubts.join(', ')})` : ''}`;
}

export function machine() {
  const [{ model } = {}] = cpus();
  return { cpu: model, cores: cpus().length, memory: totalmem(), kernel: release(), arch: arch() };
}

/** @param measurement { quick, rounds, ...side } and optionally `against`, the other side. */
export function save(file, measurement) {
  const common = { format: FORMAT, time: new Date().toISOString(), node: process.version, machine: machine() };
  writeFileSync(file, `${JSON.stringify({ ...common, ...measurement }, undefined, 2)}\n`);
}

/**
 * @param quick Whether this run has reduced sizes, which the saved one must share.
 * @throws {Error} If the file cannot be read, was not written by `save`, or has other sizes.
 */
export function load(file, quick) {
  let saved;
  try {
    saved = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`cannot read ${file}: ${error.message}`, { cause: error });
  }
  if (saved?.format !== FORMAT || !Array.isArray(saved.figures)) {
    throw new Error(`${file} was not written by --save of this version`);
  }
  if (saved.quick !== quick) {
    throw new Error(
      `${file} was measured ${saved.quick ? 'with' : 'without'} --quick, so its sizes differ from this run`,
    );
  }
  return saved;
}

/** @returns What makes a saved measurement incomparable with this machine; empty if nothing does. */
export function differences(saved) {
  const here = { node: process.version, ...machine() };
  const there = { node: saved.node, ...saved.machine };
  return Object.keys(here)
    .filter((key) => here[key] !== there[key])
    .map((key) => `${key}: ${there[key]}, now ${here[key]}`);
}
