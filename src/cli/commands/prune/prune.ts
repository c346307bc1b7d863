/** `progress prune`: removes finished executions from the journal, the lists and the spool. */
import { createInterface } from 'node:readline/promises';
import { withClient } from '../../../client/connect.js';
import { FINAL_STATUSES } from '../../../core/events/event.js';
import { isFinal } from '../../../core/execution.js';
import { formatAge, formatBytes, formatQuantity } from '../../../core/text/format.js';
import { ProgressError } from '../../../core/base/errors.js';
import { openSource } from '../../../journal/reader.js';
import type { Paths } from '../../../platform/paths.js';
import type { Replies } from '../../../api/messages.js';
import { cleanText } from '../../../terminal/paint.js';
import { alignRight, fit } from '../../../terminal/width.js';
import { defineCommand } from '../../command.js';
import { ANY_IDS, JSON_OPTION } from '../../options.js';
import { findAnywhere } from '../../shared/offline.js';
import { complain, print, printLines } from '../../shared/output.js';
import { parsePairs, parseSize } from '../../shared/option-values.js';
import { type PruneCandidate, planPrune } from './plan.js';
import { parseTimeExpression } from '../../shared/time-expressions.js';

/** Bounds of one request, below the maximum of a line. */
const MAX_IDS = 5_000;
const MAX_IDS_CHARS = 100_000;
const ID_CELLS = 10;
const STATUS_CELLS = 9;
const AGE_CELLS = 6;
const SIZE_CELLS = 10;

export const command = defineCommand({
  verb: 'prune',
  describe: 'Remove finished executions',
  positionals: { ids: { many: true, describe: ANY_IDS } },
  options: {
    'older-than': {
      type: 'string',
      value: 'time',
      describe: 'Select what ended before: 30d ago, monday, 2026-11-20',
    },
    'larger-than': { type: 'string', value: 'size', describe: 'Select by minimum size of events: 100MiB' },
    status: { type: 'list', value: 'status', describe: 'Select by outcome, or a list of them' },
    name: { type: 'string', value: 'pattern', describe: 'Select by name; * is any text' },
    kind: { type: 'string', value: 'kind', describe: 'Select by kind: command, run, agent, task, workflow' },
    label: { type: 'list', value: 'key=value', describe: 'Select by label, key=value' },
    all: { type: 'boolean', describe: 'Select all finished executions' },
    'dry-run': { type: 'boolean', alias: 'n', describe: 'Show what would be removed' },
    yes: { type: 'boolean', alias: 'y', describe: 'Do not ask for confirmation' },
    ...JSON_OPTION,
  },
  async run(args, { paths }) {
    const { json = false, 'dry-run': dryRun = false, yes = false } = args;
    const now = Date.now();
    const criteria = {
      before: args['older-than'] === undefined ? undefined : parseTimeExpression('older-than', args['older-than'], now),
      bytes: args['larger-than'] === undefined ? undefined : parseSize('larger-than', args['larger-than']),
      statuses: args.status && parseStatuses(args.status),
      name: args.name,
      kind: args.kind,
      labels: args.label && parsePairs('label', args.label),
    };
    const given = args.ids ?? [];
    const isChosen =
      given.length > 0 || args.all === true || Object.values(criteria).some((value) => value !== undefined);
    if (!isChosen)
      throw new ProgressError(
        'usage',
        'nothing selected; give IDs, --older-than, --larger-than, --status, --name, --label, --kind or --all',
      );
    if (!dryRun && !yes && (json || !process.stdin.isTTY || !process.stdout.isTTY))
      throw new ProgressError(
        'usage',
        'cannot ask for confirmation without a terminal; use --yes, or --dry-run to show what would be removed',
      );

    const ids =
      given.length === 0 ? undefined : new Set(await Promise.all(given.map((text) => findEnded(paths, text))));
    const plan = await planPrune(openSource(paths.journal), { ...criteria, ids });
    const lines = planLines(plan, now);
    if (dryRun || plan.length === 0) {
      const total = plan.length === 0 ? 'Nothing to remove.' : `${totalText(plan)} would be removed.`;
      await (json ? printValue(toJson(plan)) : printLines([...lines, total]));
      return 0;
    }
    if (!yes) {
      await printLines(lines);
      if (!(await isAgreed(`Remove ${totalText(plan)}?`))) {
        await printLines(['Nothing was removed.']);
        return 0;
      }
    }
    const { executions, freed } = await removeAll(paths, plan);
    const pruned = new Set(executions);
    const removed = plan.filter(({ execution }) => pruned.has(execution.id));
    for (const { execution } of plan) {
      if (!pruned.has(execution.id))
        complain(`${execution.id} was not removed: it is running, or a queued run waits for it`);
    }
    if (json) await printValue({ ...toJson(removed), freed });
    else {
      const total = `${totalText(removed)} removed; ${formatBytes(freed)} freed on disk.`;
      await printLines([...(yes ? planLines(removed, now) : []), total]);
    }
    return 0;
  },
});

async function findEnded(paths: Paths, text: string): Promise<string> {
  const { id, status } = await findAnywhere(paths, text);
  if (isFinal(status)) return id;
  throw new ProgressError('usage', `${text} is ${status}: only what has ended can be removed`);
}

function parseStatuses(lists: readonly string[]): string[] {
  const statuses = lists.flatMap((list) => list.split(','));
  const wrong = statuses.find((status) => !FINAL_STATUSES.some((known) => known === status));
  if (wrong === undefined) return statuses;
  throw new ProgressError('usage', `--status: "${wrong}" is none of ${FINAL_STATUSES.join(', ')}`);
}

function planLines(plan: readonly PruneCandidate[], now: number): string[] {
  return plan.map(({ execution, bytes }) => {
    const { id, status, name, endedAt, lastActivity } = execution;
    const age = formatAge(Math.max(0, now - Date.parse(endedAt ?? lastActivity)));
    const size = alignRight(formatBytes(bytes), SIZE_CELLS);
    return `${cleanText(id).padEnd(ID_CELLS)}  ${fit(status, STATUS_CELLS)}  ${alignRight(age, AGE_CELLS)}  ${size}  ${cleanText(name)}`;
  });
}

function totalText(plan: readonly PruneCandidate[]): string {
  return `${formatQuantity(plan.length, 'execution')} with ${formatBytes(sum(plan))} of events`;
}

function sum(plan: readonly PruneCandidate[]): number {
  return plan.reduce((total, { bytes }) => total + bytes, 0);
}

function toJson(plan: readonly PruneCandidate[]) {
  const executions = plan.map(({ execution: { id, name, kind, status, endedAt }, bytes }) => {
    return { id, name, kind, status, ...(endedAt !== undefined && { endedAt }), bytes };
  });
  return { executions, bytes: sum(plan) };
}

async function printValue(value: unknown): Promise<void> {
  await print(`${JSON.stringify(value, undefined, 2)}\n`);
}

async function isAgreed(question: string): Promise<boolean> {
  const dialogue = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await dialogue.question(`${question} [y/N] `)).trim());
  } finally {
    dialogue.close();
  }
}

/** Removes by the daemon, or without one by this process. */
async function removeAll(paths: Paths, plan: readonly PruneCandidate[]): Promise<Replies['prune']> {
  const ids = plan.map(({ execution }) => execution.id);
  try {
    return await withClient({ paths, start: false }, async (client) => {
      const done: Replies['prune'] = { executions: [], freed: 0 };
      for (const some of inRequests(ids)) {
        const { executions, freed } = await client.call('prune', { executions: some });
        done.executions.push(...executions);
        done.freed += freed;
      }
      return done;
    });
  } catch (error) {
    if (ProgressError.from(error).code !== 'unavailable') throw error;
    const { pruneAlone } = await import('../../../daemon/upkeep/prune-alone.js');
    return await pruneAlone(paths, ids, complain);
  }
}

function* inRequests(ids: readonly string[]): Generator<string[]> {
  let some: string[] = [];
  let chars = 0;
  for (const id of ids) {
    some.push(id);
    chars += JSON.stringify(id).length;
    if (some.length < MAX_IDS && chars < MAX_IDS_CHARS) continue;
    yield some;
    some = [];
    chars = 0;
  }
  if (some.length > 0) yield some;
}
