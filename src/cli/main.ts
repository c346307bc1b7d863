/** Entry point of the command line. */
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
  complain(`cannot write output: ${failure.message}`);
  process.exitCode = OUTPUT_FAILED;
}
