/** Finds the command of a command line, and runs it. */
import yargs from 'yargs';
import { ProgressError } from '../core/base/errors.js';
import type { Commands, CommandContext } from './command.js';
import { parseProblem, unknownCommand } from './suggestions.js';

/** Registry of commands: each is a file or a folder of `commands/` by its name. */
export const COMMANDS: Commands = {
  emit: async () => (await import('./commands/emit/emit.js')).command,
  run: async () => (await import('./commands/run/run.js')).command,
  rerun: async () => (await import('./commands/rerun.js')).command,
  watch: async () => (await import('./commands/watch/watch.js')).command,
  tui: async () => (await import('./commands/tui.js')).command,
  ps: async () => (await import('./commands/ps/ps.js')).command,
  show: async () => (await import('./commands/show.js')).command,
  stats: async () => (await import('./commands/stats.js')).command,
  stop: async () => (await import('./commands/stop.js')).command,
  pause: async () => (await import('./commands/pause.js')).command,
  resume: async () => (await import('./commands/resume.js')).command,
  attach: async () => (await import('./commands/attach/attach.js')).command,
  send: async () => (await import('./commands/send.js')).command,
  wait: async () => (await import('./commands/wait.js')).command,
  follow: async () => (await import('./commands/follow.js')).command,
  queue: async () => (await import('./commands/queue.js')).command,
  logs: async () => (await import('./commands/logs/logs.js')).command,
  rules: async () => (await import('./commands/rules/rules.js')).command,
  notify: async () => (await import('./commands/notify.js')).command,
  web: async () => (await import('./commands/web.js')).command,
  daemon: async () => (await import('./commands/daemon/daemon.js')).command,
  journal: async () => (await import('./commands/journal.js')).command,
  config: async () => (await import('./commands/config.js')).command,
  setup: async () => (await import('./commands/setup/setup.js')).command,
  doctor: async () => (await import('./commands/doctor/doctor.js')).command,
  init: async () => (await import('./commands/init.js')).command,
  export: async () => (await import('./commands/export/export.js')).command,
  prune: async () => (await import('./commands/prune/prune.js')).command,
  schema: async () => (await import('./commands/schema.js')).command,
  path: async () => (await import('./commands/path.js')).command,
  completion: async () => (await import('./commands/completion/completion.js')).command,
};

/** @returns the exit status */
export async function dispatch(
  words: readonly string[],
  surroundings: Omit<CommandContext, 'commands'>,
): Promise<number> {
  const context = { ...surroundings, commands: COMMANDS };
  const [verb = ''] = words;
  const isKnown = Object.hasOwn(COMMANDS, verb);
  if (!isKnown && verb !== '' && !verb.startsWith('-')) throw unknownCommand(verb, COMMANDS);
  let status: number | undefined;
  let problem: string | undefined;
  const parser = yargs([...words])
    .scriptName('progress')
    .locale('en')
    .usage(
      '$0 <command> [options]\n\nSee what everything running on this machine is doing, live and afterwards.\n\nAt a terminal, progress tui shows it on the full screen.',
    )
    .version(false)
    // values stay texts: no numbers, no objects from dots, no --no-x
    .parserConfiguration({
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'boolean-negation': false,
      'camel-case-expansion': false,
    })
    .option('version', { alias: 'V', type: 'boolean', describe: 'Show the version' })
    .help()
    .alias('help', 'h')
    .strict()
    .demandCommand(1, 'missing command')
    .epilogue("'progress help COMMAND' shows the options of a command, 'man progress' the manual.")
    .wrap(Math.min(process.stdout.columns || 80, 100))
    .exitProcess(false)
    .fail((message: string, error: Error | undefined) => {
      if (error && error.name !== 'YError') throw error;
      problem = message;
      throw new ProgressError('usage', message);
    });
  const load = isKnown ? [COMMANDS[verb]] : Object.values(COMMANDS);
  for (const get of load) {
    (await get?.())?.register(parser, context, (result) => (status = result));
  }
  try {
    await parser.parseAsync();
  } catch (error) {
    throw problem === undefined ? error : await parseProblem(problem, words, context);
  }
  return status ?? 0;
}
