/** Formats of output for people: it stays as it is, and events are read in it. */
import type { Format } from './format.js';
import { createGoTest } from './go-test.js';
import { createGroups } from './groups.js';
import { createMeters } from './meters.js';
import { createOscProgress } from './osc-progress.js';
import { createTap } from './tap.js';

export const TEXT_FORMATS: readonly Format[] = [
  {
    name: 'osc',
    kind: 'text',
    describe: 'OSC 9;4, the progress of a taskbar: percent',
    marks: ['\u001b]9;4;'],
    create: createOscProgress,
  },
  {
    name: 'groups',
    kind: 'text',
    describe: '::group:: and ##[group]: steps; ::error:: and the like: messages',
    marks: ['::', '##['],
    create: createGroups,
  },
  {
    name: 'tap',
    kind: 'text',
    describe: 'Test Anything Protocol: a step for each test, tests of all',
    marks: ['TAP version', '1..', 'ok'],
    create: createTap,
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
    describe: 'NN%, [n/m], (n/m), the columns of curl: percent, once one has grown twice',
    isGuess: true,
    marks: ['%', '/', ':'],
    create: createMeters,
  },
];
