/** `progress follow`: shows sessions of coding agents that were not started by `progress`, as they start and end. */
import { withClient } from '../../client/connect.js';
import { follow } from '../../client/follow.js';
import { EXECUTION_ENDS } from '../../core/events/event.js';
import { executionFromJson, isFinal } from '../../core/execution.js';
import { fold } from '../../core/fold.js';
import { emptyState, installExecution } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Agent } from '../../core/agents.js';
import { AGENTS } from '../../core/agents.js';
import type { FollowStatus } from '../../api/messages.js';
import { cleanText } from '../../terminal/paint.js';
import { LineWriter } from '../../terminal/line-writer.js';
import { listLines } from '../../terminal/tables.js';
import { defineCommand } from '../command.js';
import type { CommandContext } from '../command.js';
import { JSON_OPTION } from '../options.js';
import { listAll } from '../shared/lookup.js';
import { isPipeBroken, noteWaiting, print, printJson, printLines } from '../shared/output.js';
import { reportLost } from '../shared/stream-errors.js';
import { lineOptionsOf, maxColumnsOf, styleOf } from '../shared/output-options.js';

/** Events of a session that are shown: its start, its questions, its end. */
const TYPES = ['execution_started', 'attention', ...Object.keys(EXECUTION_ENDS)];

export const command = defineCommand({
  verb: 'follow',
  describe: 'Show sessions of coding agents, whatever terminal they run in',
  positionals: { agent: { choices: AGENTS, describe: 'Agent whose sessions are shown' } },
  options: {
    detach: { type: 'boolean', describe: 'Start following and exit' },
    off: { type: 'boolean', describe: 'Stop following' },
    ...JSON_OPTION,
  },
  async run({ agent, detach = false, off = false, json = false }, context) {
    if (agent === undefined && (detach || off)) throw new ProgressError('usage', '--detach and --off need an agent');
    if (detach && off) throw new ProgressError('usage', '--detach and --off exclude each other');
    if (agent !== undefined && !off && !detach) return await printSessions(agent, context, json);
    const asked = agent === undefined ? {} : { agent, on: !off };
    const { agents } = await withClient({ paths: context.paths, start: true }, (client) =>
      client.call('follow', asked),
    );
    if (json) await print(`${JSON.stringify(agents, undefined, 2)}\n`);
    else await printLines(agents.filter((one) => agent === undefined || one.agent === agent).flatMap(statusLines));
    return 0;
  },
});

function statusLines({ agent, following, configured, directory, files, skipped }: FollowStatus): string[] {
  const word = following ? 'followed' : 'not followed';
  const until = following && !configured ? ', until the daemon exits' : '';
  const count = following ? `  ${files} ${files === 1 ? 'file' : 'files'}` : '';
  const left = skipped.map((file) => `  skipped: ${cleanText(file)}`);
  return [`${agent.padEnd(8)}${word}${until}${count}  ${cleanText(directory)}`, ...left];
}

/** Prints existing sessions, then changes; a restarted daemon is asked again. */
async function printSessions(agent: Agent, { paths, env }: CommandContext, json: boolean): Promise<number> {
  const style = styleOf(env);
  const writer = new LineWriter(lineOptionsOf(env));
  let state = emptyState();
  noteWaiting(`sessions of ${agent}`);
  for await (const followed of follow({ paths, start: true, subscribe: { types: TYPES, last: 0 } })) {
    if (isPipeBroken()) return 0;
    reportLost(followed);
    if (followed.kind === 'connected') {
      const isFirst = state.seq === 0;
      await followed.client.call('follow', { agent });
      const { executions, prefixes } = await listAll(followed.client, false);
      state = { ...emptyState(), seq: Math.max(state.seq, 1) };
      const alive = executions.map(executionFromJson);
      for (const one of alive) installExecution(state, one, isFinal(one.status));
      const existing = alive.filter((one) => one.agent?.name === agent);
      if (isFirst && !json && existing.length > 0) {
        await printLines(
          listLines(existing, { now: Date.now(), columns: maxColumnsOf(), style, all: false, prefixes }),
        );
      }
    }
    if (followed.kind !== 'events') continue;
    for (const event of followed.events) {
      const execution = fold(state, event);
      if (execution?.agent?.name !== agent || execution.kind !== 'agent') continue;
      if (json) await printJson([event]);
      else await printLines(writer.lines(event, execution));
    }
  }
  return 0;
}
