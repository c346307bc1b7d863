/** Runs one command line: finds the command, and maps errors to a message and an exit status. */
import { ProgressError, errnoOf } from '../core/base/errors.js';
import { NOTHING_INHERITED } from '../platform/inherited.js';
import { resolvePaths } from '../platform/paths.js';
import { VERSION } from '../core/base/version.js';
import { complain } from './shared/output.js';
import { splitWords } from './argv.js';

/**
 * @param argv - the words after the name of the program
 * @param inherited - what the command of a run inherits in addition to the environment
 * @returns the exit status; nothing is thrown
 */
export async function runCommandLine(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  inherited = NOTHING_INHERITED,
): Promise<number> {
  if (argv[0] === '--version' || argv[0] === '-V' || argv[0] === 'version') {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const { words, rest } = splitWords(argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv);
  try {
    checkWorkingDirectory();
    const surroundings = { paths: resolvePaths(env), env, inherited, rest };
    // parsing options takes longer than most commands run
    if (words.length === 1 && words[0] === 'run' && rest.length > 0) {
      return await (await import('./commands/run/run.js')).command.runBare({ ...surroundings, commands: {} });
    }
    const { dispatch } = await import('./dispatch.js');
    return await dispatch(words, surroundings);
  } catch (thrown) {
    if (errnoOf(thrown) === 'EPIPE') return 0;
    const error = ProgressError.from(thrown);
    complain(error.message);
    if (error.code === 'internal' && env['PROGRESS_DEBUG'])
      complain(error.cause instanceof Error ? `${error.cause.stack}` : '');
    return error.exitStatus;
  }
}

/** Reports a removed working directory before dependencies that need one are loaded. */
function checkWorkingDirectory(): void {
  try {
    process.cwd();
  } catch (cause) {
    throw new ProgressError('not_found', 'the working directory has been removed; change to another directory', {
      cause,
    });
  }
}
