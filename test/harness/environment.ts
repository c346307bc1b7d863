/**
 * Neutral environment of a test process and of everything it starts. The bundler makes this the first import of every
 * test file: `test/run.mjs` starts tap with the variables of neutral-environment.mjs only, and this module takes away
 * what tap adds to them (FORCE_COLOR, NO_COLOR, NODE_OPTIONS with a loader of its own).
 */
import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import processOnSpawn from 'process-on-spawn';

for (const name of ['FORCE_COLOR', 'NO_COLOR', 'NODE_OPTIONS']) Reflect.deleteProperty(process.env, name);
// what it starts can be traced back to this process; see leftovers.mjs
process.env['TEST_PROCESS'] = String(process.pid);

// tap puts its loader into NODE_OPTIONS at each spawn: children would start slower, and differently than for a user
processOnSpawn.removeAllListeners();
processOnSpawn.addListener((options) => {
  options.env = Object.fromEntries(Object.entries(options.env).filter(([name]) => !/^_?TAP/.test(name)));
});

process.once('exit', () => {
  const { TEST_RUN, TEST_PROCESS } = process.env;
  // a fork of a test process has its environment; the process id tells them apart
  if (TEST_RUN === undefined || TEST_PROCESS !== String(process.pid)) return;
  appendFileSync(path.join(TEST_RUN, 'processor-seconds'), `${process.argv[1] ?? ''} ${processorSeconds()}\n`);
});

/** Processor time of this process and of the children that it has waited for, in seconds. Linux; elsewhere its own. */
function processorSeconds(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return ticks / 100;
  } catch {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    return (userCPUTime + systemCPUTime) / 1e6;
  }
}
