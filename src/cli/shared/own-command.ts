/** Finds the execution of the command line that this program was typed in, which lists exclude. */
import { hostname } from 'node:os';
import type { Client } from '../../client/client.js';
import { withClient } from '../../client/connect.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import { numberOf, textOf } from '../../core/events/event.js';
import type { ExecutionJson } from '../../core/execution.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Paths } from '../../platform/paths.js';
import { ancestorsOf } from '../../platform/processes.js';
import { NO_DAEMON } from './offline.js';

/**
 * Set by the function `progress` of a hooked shell: the ID of the line that it runs, empty for one that is not recorded.
 * If another program or script runs this one, the nearest shell among its ancestors decides.
 */
const VARIABLE = 'PROGRESS_COMMAND';
const PAGE = 1_000;

type Listed = Pick<ExecutionJson, 'id' | 'kind' | 'status' | 'process' | 'startedAt'>;

export class OwnCommand {
  readonly #isKnown: boolean;
  readonly #startedBy = Date.now();
  /** Ancestors of this process by PID, with their distance. */
  readonly #ancestors: ReadonlyMap<number, number>;
  #id: string | undefined;
  /** Position in the journal of the searched list. */
  #seq = 0;

  constructor(env: NodeJS.ProcessEnv) {
    const given = env[VARIABLE];
    this.#isKnown = given !== undefined;
    this.#id = given === '' ? undefined : given;
    this.#ancestors = this.#isKnown ? new Map() : ownAncestors();
  }

  /** Searches a list that has all live executions. */
  search(executions: readonly Listed[]): this {
    if (this.#isKnown) return this;
    const [nearest] = executions
      .filter(({ kind, status, process: { pid, host = hostname() } = {} }) => {
        const isHere = kind === 'command' && status === 'running' && host === hostname();
        return isHere && this.#ancestors.has(pid ?? 0);
      })
      .sort((a, b) => this.#depthOf(a) - this.#depthOf(b) || ((a.startedAt ?? '') < (b.startedAt ?? '') ? 1 : -1));
    this.#id = nearest?.id;
    return this;
  }

  /** Requests the list from the daemon, and keeps the position up to which it is valid. */
  async ask(client: Client): Promise<this> {
    if (this.#isKnown) return this;
    this.#seq = (await client.hello()).seq;
    // the first page has the newest
    return this.search((await client.call('list', { all: false, limit: PAGE })).executions);
  }

  is(id: string | undefined): boolean {
    return id !== undefined && id === this.#id;
  }

  /** Whether an event is about that execution, which may start after the list was requested. */
  isOf({ seq, type, time, execution, data }: ExecutionEvent): boolean {
    const isLate = !this.#isKnown && this.#id === undefined && seq > this.#seq && type === 'execution_started';
    if (isLate && textOf(data, 'kind') === 'command' && Date.parse(time) <= this.#startedBy) {
      if (this.#ancestors.has(numberOf(data, 'pid') ?? 0)) this.#id = execution;
    }
    return this.is(execution);
  }

  #depthOf({ process: { pid } = {} }: Listed): number {
    return this.#ancestors.get(pid ?? 0) ?? Infinity;
  }
}

/** Asks the daemon, if one answers; without one, the journal does not have the command yet. */
export async function findOwnCommand(
  { paths, env }: { paths: Paths; env: NodeJS.ProcessEnv },
  start: boolean,
): Promise<OwnCommand> {
  const own = new OwnCommand(env);
  try {
    return await withClient({ paths, start }, async (client) => await own.ask(client));
  } catch (error) {
    if (start || !NO_DAEMON.has(ProgressError.from(error).code)) throw error;
    return own;
  }
}

function ownAncestors(): Map<number, number> {
  // without /proc only the parent is known
  const found = new Map([[process.ppid, 0]]);
  for (const { pid } of ancestorsOf(process.ppid)) if (!found.has(pid)) found.set(pid, found.size);
  return found;
}
