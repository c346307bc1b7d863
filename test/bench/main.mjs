// npm run bench: figures of the built program, beside those of installed peers.
import { bench } from './bench.mjs';

/** In the order in which they run. Modules load lazily, each in the process of its part. */
const PARTS = {
  ingest: {
    title: 'Events of 150 bytes on one connection: validated, journalled, folded',
    run: async () => (await import('./ingest.mjs')).main(),
  },
  alerts: { title: 'Alert rules and pending alerts', run: async () => (await import('./alerts.mjs')).main() },
  latency: { title: 'From one client to another', run: async () => (await import('./latency.mjs')).main() },
  spool: { title: 'From a line in the spool to a client', run: async () => (await import('./spool.mjs')).main() },
  fanout: { title: 'Many subscribers', run: async () => (await import('./fanout.mjs')).main() },
  start: { title: 'Start of the daemon on a large journal', run: async () => (await import('./start.mjs')).main() },
  commands: {
    title: 'Start of commands, as multiples of the start of Node',
    run: async () => (await import('./start.mjs')).measureCommands(),
  },
  run: { title: 'Runs: start, output, memory, reconnection', run: async () => (await import('./run.mjs')).main() },
  shell: {
    title: 'Events from shells: by the library, and as a command',
    run: async () => (await import('./shell.mjs')).main(),
  },
  prompt: { title: 'Shell prompts with hooks', run: async () => (await import('./prompt.mjs')).main() },
  hook: { title: 'The hook of coding agents', run: async () => (await import('./agent-hook.mjs')).main() },
  resources: {
    title: 'Sampling of the processes of live runs',
    run: async () => (await import('./resources.mjs')).main(),
  },
  streams: {
    title: 'Parsing of the output of agents and tools',
    run: async () => (await import('./streams.mjs')).main(),
  },
  estimates: {
    title: 'Estimates of the remaining time: median absolute errors, on builds with earlier ones',
    run: async () => (await import('./estimates.mjs')).main(),
  },
  history: { title: 'Search through the whole history', run: async () => (await import('./history.mjs')).main() },
  channels: { title: 'Alert channels', run: async () => (await import('./channels.mjs')).main() },
  idle: { title: 'An idle daemon', run: async () => (await import('./idle.mjs')).main() },
  terminal: {
    title: 'The box and the full screen, on a terminal',
    run: async () => (await import('./terminal.mjs')).main(),
  },
  web: { title: 'The viewer', run: async () => (await import('./web.mjs')).main() },
  live: { title: 'The viewer while a log grows', run: async () => (await import('./web-live.mjs')).main() },
};

process.exitCode = await bench(PARTS, process.argv.slice(2));
