/** The entry point of the command line: the only place of it that acts on being loaded. */
import { ignoreSignals, takeInherited } from '../platform/inherited.js';
import { runCommandLine } from './command-line.js';
import { takeUserEnvironment } from '../platform/node-environment.js';
import { keepStandardStreamsBlocking } from '../platform/standard-streams.js';
import { complain, flushOutput, watchOutput } from './shared/output.js';

/** EX_IOERR. */
const OUTPUT_FAILED = 74;

keepStandardStreamsBlocking();
watchOutput();
const inherited = takeInherited(process.env);
ignoreSignals(inherited);
process.exitCode = await runCommandLine(process.argv.slice(2), takeUserEnvironment(process.env), inherited);
const failure = await flushOutput();
if (failure) {
  complain(`the output cannot be written: ${failure.message}`);
  process.exitCode = OUTPUT_FAILED;
}
