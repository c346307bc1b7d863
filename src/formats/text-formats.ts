/** Lists the text formats: output for people, which is kept unchanged and from which events are extracted. */
import type { Format } from './format.js';
import { createGoTest } from './go-test.js';
import { createGroups } from './groups.js';
import { createMeters } from './meters.js';
import { createOscProgress } from './osc-progress.js';
import { TapParser } from './tap.js';

export const TEXT_FORMATS: readonly Format[] = [
  {
    name: 'osc',
    kind: 'text',
    describe: 'OSC 9;4 taskbar progress: percent',
    marks: ['\u001b]9;4;'],
    create: createOscProgress,
  },
  {
    name: 'groups',
    kind: 'text',
    describe: '::group:: and ##[group]: steps; ::error:: and similar: messages',
    marks: ['::', '##['],
    create: createGroups,
  },
  {
    name: 'tap',
    kind: 'text',
    describe: 'Test Anything Protocol: a step for each test, number of tests',
    marks: ['TAP version', '1..', 'ok'],
    create: () => new TapParser(),
  },
  {
    name: 'go-test',
    kind: 'text',
    describe: 'go test -json: a step for each package and test',
    marks: ['{'],
    create: createGoTest,
  },
  {
    name: 'meters',
    kind: 'text',
    describe: 'NN%, [n/m], (n/m), the meter of curl: percent, once it has grown twice',
    isGuess: true,
    marks: ['%', '/', ':'],
    create: createMeters,
  },
];
