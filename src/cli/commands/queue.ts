/** `progress queue`: lists and changes queues. */
import { withClient } from '../../client/connect.js';
import { executionFromJson, isFinal } from '../../core/execution.js';
import { isIdentifier } from '../../core/events/identifier.js';
import { suggest } from '../../core/text/suggest.js';
import type { QueueView } from '../../core/state/queues.js';
import { isSlots, MAX_SLOTS } from '../../core/state/queues.js';
import { ProgressError } from '../../core/base/errors.js';
import { cleanText } from '../../terminal/paint.js';
import { queueLines } from '../../terminal/queues.js';
import { defineCommand } from '../command.js';
import type { CommandContext } from '../command.js';
import { ANY_ID, JSON_OPTION } from '../options.js';
import type { ControlOptions } from '../control/control.js';
import { controlRuns } from '../control/control.js';
import { print, printLines } from '../shared/output.js';
import { listAll } from '../shared/lookup.js';
import { commandActor } from '../control/actor.js';
import { maxColumnsOf, styleOf } from '../shared/output-options.js';

const ACTIONS = ['list', 'set', 'pause', 'resume', 'move', 'clear', 'remove'] as const;

export const command = defineCommand({
  verb: 'queue',
  describe: 'List and change queues',
  positionals: {
    action: { choices: ACTIONS, default: 'list', describe: 'Action' },
    queue: { describe: `Name of the queue; with move: ${ANY_ID} of a queued run` },
    position: { describe: 'With move: new position among the waiting runs; 1 starts next' },
  },
  options: {
    slots: { type: 'number', value: 'number', describe: 'With set: number of runs at a time' },
    ...JSON_OPTION,
  },
  async run({ action, queue: name, position, slots, json = false }, context) {
    if (slots !== undefined && action !== 'set')
      throw new ProgressError('usage', `--slots needs the action set, not ${action}`);
    if (position !== undefined && action !== 'move')
      throw new ProgressError('usage', `a position needs the action move, not ${action}`);
    if (action === 'move') return await move(name, checkPosition(position), context, json);
    if (action === 'list') return await list(name, context, json);
    if (!isIdentifier(name)) throw new ProgressError('usage', `queue ${action} needs the name of a queue`);
    switch (action) {
      case 'set':
        return await change(name, { slots: checkSlots(slots) }, context, json);
      case 'pause':
      case 'resume':
        return await change(name, { paused: action === 'pause' }, context, json);
      case 'clear':
        return await clear(name, context, json);
      case 'remove':
        return await change(name, { removed: true }, context, json);
    }
  },
});

function checkSlots(slots: number | undefined): number {
  if (slots !== undefined && isSlots(slots)) return slots;
  const advice = slots === 0 ? '; pause the queue to start nothing' : '';
  throw new ProgressError('usage', `queue set needs --slots with a whole number from 1 to ${MAX_SLOTS}${advice}`);
}

function checkPosition(text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new ProgressError(
    'usage',
    'queue move needs a run and its new position, from 1 on: progress queue move 7hq2 1',
  );
}

async function list(name: string | undefined, { paths, env }: CommandContext, json: boolean): Promise<number> {
  await withClient({ paths, start: true }, async (client) => {
    const { queues } = await client.call('queues', {});
    const shown = name === undefined ? queues : [pick(queues, name)];
    if (json) return await print(`${JSON.stringify(shown, undefined, 2)}\n`);
    const { executions, prefixes } = await listAll(client, false);
    const known = new Map(executions.map((execution) => [execution.id, executionFromJson(execution)]));
    const options = { now: Date.now(), columns: maxColumnsOf(), style: styleOf(env), prefixes };
    await printLines(queueLines(shown, known, options));
  });
  return 0;
}

/** @throws `not_found` with a suggestion for a misspelled name */
function pick(queues: readonly QueueView[], name: string): QueueView {
  const found = queues.find((queue) => queue.name === name);
  if (found) return found;
  const names = queues.map((queue) => queue.name);
  const nearest = suggest(name, names);
  const advice = nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`;
  throw new ProgressError('not_found', `no queue ${JSON.stringify(name)}${advice}`);
}

type Changes = { slots: number } | { paused: boolean } | { removed: true };

/** Changes a queue; only `set` creates one. */
async function change(name: string, changes: Changes, { paths, env }: CommandContext, json: boolean): Promise<number> {
  await withClient({ paths, start: true }, async (client) => {
    const list = async () => (await client.call('queues', {})).queues;
    if (!('slots' in changes)) {
      const queue = pick(await list(), name);
      if ('removed' in changes) checkEmpty(queue);
    }
    const event = { type: 'queue_changed', data: { name, ...changes, by: commandActor(env) } };
    await client.call('emit', { event });
    if (json) await print(`${JSON.stringify((await list()).find((queue) => queue.name === name) ?? null)}\n`);
  });
  return 0;
}

/** Moves a waiting run within its queue. */
async function move(
  run: string | undefined,
  position: number,
  { paths, env }: CommandContext,
  json: boolean,
): Promise<number> {
  if (run === undefined || run === '') throw new ProgressError('usage', 'queue move needs a run');
  const moved = await withClient({ paths, start: true }, (client) =>
    client.call('move', { execution: run, position, by: commandActor(env) }),
  );
  const { execution, queue } = moved;
  if (json) await print(`${JSON.stringify({ execution, queue, position: moved.position })}\n`);
  else await printLines([`${execution}: position ${moved.position} in ${cleanText(queue)}`]);
  return 0;
}

function checkEmpty({ name, running, waiting }: QueueView): void {
  if (running.length + waiting.length === 0) return;
  const message = `queue ${JSON.stringify(name)} is in use: ${running.length} running, ${waiting.length} waiting`;
  throw new ProgressError('bad_request', `${message}; stop them with 'progress stop --queue'`);
}

/** Cancels waiting runs; those that have started meanwhile continue. */
async function clear(name: string, context: CommandContext, json: boolean): Promise<number> {
  const { waiting } = await withClient({ paths: context.paths, start: true }, async (client) =>
    pick((await client.call('queues', {})).queues, name),
  );
  if (waiting.length === 0) {
    if (!json) await printLines(['No runs are waiting.']);
    return 0;
  }
  return await controlRuns({ runs: waiting }, CANCEL, context, json);
}

const CANCEL: ControlOptions = {
  request: { action: 'stop', ifQueued: true },
  isFor: () => true,
  nothing: '',
  needless: ({ status }) => (status === 'queued' ? undefined : `no longer waits: ${status}`),
  outcome: ({ status }) => (isFinal(status) ? status : undefined),
};
