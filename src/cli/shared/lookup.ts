/** Finds executions by asking the daemon. */
import type { Client } from '../../client/client.js';
import type { Execution, ExecutionJson } from '../../core/execution.js';
import { executionFromJson } from '../../core/execution.js';

/** Finds one execution by its ID, a prefix of it, or a name. */
export async function findOne(client: Client, text: string): Promise<Execution> {
  return executionFromJson(await findJson(client, text));
}

/** Finds one execution, in the form of the protocol. */
export async function findJson(client: Client, text: string): Promise<ExecutionJson> {
  return (await client.call('get', { execution: text })).execution;
}

export interface Listed {
  executions: ExecutionJson[];
  /** Shortest unique prefixes, by ID. */
  prefixes: Map<string, string>;
}

/** Lists live executions, or all in memory, page by page, newest first. */
export async function listAll(client: Client, all: boolean): Promise<Listed> {
  const listed: Listed = { executions: [], prefixes: new Map() };
  for (let before: number | undefined, more = true; more;) {
    const page = await client.call('list', { all, limit: 1_000, ...(before !== undefined && { before }) });
    listed.executions.push(...page.executions);
    for (const [index, { id }] of page.executions.entries()) listed.prefixes.set(id, page.prefixes[index] ?? id);
    before = page.more;
    more = page.more !== undefined;
  }
  return listed;
}
