// Loaded before each test file (node --import): records its processor time when it exits.
import { appendFileSync, readFileSync } from 'node:fs';

const { TEST_FILE, TEST_TIMES } = process.env;
// processes that the test starts have its environment, but not this module
delete process.env.TEST_TIMES;
process.once('exit', () => appendFileSync(TEST_TIMES, `${TEST_FILE} ${processorSeconds()}\n`));

/** Of this process and of the children that it has waited for, in seconds. Linux; elsewhere its own alone. */
function processorSeconds() {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
  } catch {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    return (userCPUTime + systemCPUTime) / 1e6;
  }
}
