// npm run bench [part...]: figures of the production path, beside peers that are installed, as ratios in one run.
import * as agentHook from './agent-hook.mjs';
import * as fanout from './fanout.mjs';
import * as history from './history.mjs';
import * as idle from './idle.mjs';
import * as ingest from './ingest.mjs';
import * as latency from './latency.mjs';
import * as prompt from './prompt.mjs';
import * as resources from './resources.mjs';
import * as run from './run.mjs';
import * as shell from './shell.mjs';
import * as spool from './spool.mjs';
import * as start from './start.mjs';
import * as streams from './streams.mjs';
import * as web from './web.mjs';
import * as webLive from './web-live.mjs';

const PARTS = {
  ingest: ['Ingest: one connection, events of 150 bytes, validated, journalled, folded', ingest.main],
  latency: ['From one client to another', latency.main],
  spool: ['From a line of the spool to a client', spool.main],
  fanout: ['Subscribers', fanout.main],
  start: ['Start', start.main],
  commands: ['Commands, as multiples of the least that Node takes', start.measureCommands],
  run: ['Runs', run.main],
  shell: ['Shells: an event inside one, and as a command', shell.main],
  prompt: ['Prompts, one command after the other', prompt.main],
  hook: ['The hook of an agent, one call after the other', agentHook.main],
  resources: ['Resources of runs', resources.main],
  streams: ['Output of agents and tools, read', streams.main],
  history: ['History: a search through all of it', history.main],
  idle: ['Idle', idle.main],
  web: ['The viewer', web.main],
  live: ['The viewer while a log grows', webLive.main],
};

const wanted = process.argv.slice(2);
for (const [name, [title, run]] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n${title}`);
  await run();
}
