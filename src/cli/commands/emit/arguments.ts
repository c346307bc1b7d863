/**
 * Grammar of `progress emit`: arguments to an event. Simple enough for a POSIX shell to do the same.
 *
 * `progress emit` is implemented three times: here, in `hooks/emit.sh` for POSIX shells and in `hooks/progress.fish`.
 * One table of arguments tests all of them (`test/hooks`); a shell passes what it cannot do to Node.
 */
import type { Fields } from '../../../core/events/fields.js';
import { isObject } from '../../../core/events/fields.js';
import { ProgressError } from '../../../core/base/errors.js';
import { isGiven } from '../../../protocol/validate.js';

export interface EmitArguments {
  type?: string | undefined;
  execution?: string | undefined;
  step?: string | undefined;
  data?: string | undefined;
}

/** Keys of pairs that belong to the envelope; all others belong to data. */
const ENVELOPE: ReadonlySet<string> = new Set(['execution', 'step', 'source', 'time', 'n']);
const PAIR = /^([A-Za-z_][A-Za-z0-9_.-]*)(:?=)(.*)$/s;

/** `seq` is assigned by the daemon, and `type` is the first operand. */
const REFUSED: ReadonlySet<string> = new Set(['seq', 'type']);

/** Execution and step of an event that does not name them. */
export interface EventContext {
  execution?: string | undefined;
  /** The user named the execution, so it may be a name or a prefix. */
  lookup?: true;
  /** The execution is from the environment. */
  inherited?: true;
  step?: string | undefined;
}

/** Takes the context from options, else from the environment of an enclosing run, whose step is valid only there. */
export function contextOf(args: EventContext, env: NodeJS.ProcessEnv): EventContext {
  const inherited = { execution: given(env['PROGRESS_EXECUTION']), step: given(env['PROGRESS_STEP']) };
  const execution = args.execution ?? inherited.execution;
  const step = args.step ?? (execution === inherited.execution ? inherited.step : undefined);
  const isInherited = args.execution === undefined && execution !== undefined;
  return {
    execution,
    ...(args.execution !== undefined && { lookup: true }),
    ...(isInherited && { inherited: true }),
    step,
  };
}

/** An empty variable counts as unset. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/**
 * Adds execution and step to an event without them. An event whose vocabulary names its task
 * has an execution, unless the run around it contains the task.
 */
export function withContext(
  event: Record<string, unknown>,
  { execution: named }: EventContext,
  context: EventContext,
): Record<string, unknown> {
  if (isGiven(event['execution']) || (named !== undefined && context.lookup)) return event;
  const step = isGiven(event['step']) ? event['step'] : context.step;
  return {
    ...event,
    ...dropUndefined({ execution: context.execution }),
    ...(context.lookup && { lookup: true }),
    ...(context.inherited && { inherited: true }),
    ...(step !== undefined && { step }),
  };
}

/**
 * Builds an event from a type and its operands: pairs, added to `--data`, or one JSON object with the rest of the
 * event. An option wins over the field of its name.
 */
export function buildEvent(
  args: EmitArguments,
  operands: readonly string[],
  env: NodeJS.ProcessEnv,
): Record<string, unknown> {
  const { type } = args;
  if (type === undefined || type === '') {
    throw new ProgressError('usage', 'emit needs a type: progress emit step_started --step build');
  }
  if (isObjectText(type)) {
    const advice = "progress emit TYPE '{...}'; whole events go to progress emit --stdin";
    throw new ProgressError('usage', `emit needs a type before the object: ${advice}`);
  }
  const object = operands.find(isObjectText);
  const { data, ...fields } = object === undefined ? readPairs(args, operands) : readObject(object, args, operands);
  const execution = args.execution ?? fields['execution'];
  const step = args.step ?? fields['step'];
  const context = contextOf(
    { ...(typeof execution === 'string' && { execution }), ...(typeof step === 'string' && { step }) },
    env,
  );
  const placed = { ...(execution !== undefined && { execution }), ...(step !== undefined && { step }) };
  const { execution: _execution, step: _step, ...rest } = fields;
  return { type, ...rest, ...dropUndefined(context), ...placed, ...(data !== undefined && { data }) };
}

function isObjectText(operand: string): boolean {
  return operand.startsWith('{');
}

function readPairs(args: EmitArguments, pairs: readonly string[]): Fields {
  const data: Fields = args.data === undefined ? {} : parseObject(args.data, '--data');
  const envelope: Fields = {};
  for (const pair of pairs) {
    const [key, value] = parsePair(pair);
    if (REFUSED.has(key)) throw new ProgressError('usage', `${key} cannot be given as a pair`);
    if (ENVELOPE.has(key)) envelope[key] = value;
    else Object.defineProperty(data, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return { ...envelope, data };
}

function readObject(text: string, args: EmitArguments, operands: readonly string[]): Fields {
  if (operands.length > 1 || args.data !== undefined) {
    throw new ProgressError('usage', 'a JSON object is the only operand after the type: put pairs and --data into it');
  }
  const { type = args.type, ...fields } = parseObject(text, 'the object');
  if (type === args.type) return fields;
  throw new ProgressError('usage', `the object has another type: ${JSON.stringify(type)} instead of ${args.type}`);
}

function dropUndefined(context: EventContext): EventContext {
  return Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined));
}

function parsePair(pair: string): [string, unknown] {
  const [, key, operator, value] = PAIR.exec(pair) ?? [];
  if (key === undefined || value === undefined) {
    throw new ProgressError('usage', `${JSON.stringify(pair)} is neither key=text, key:=json nor a JSON object`);
  }
  return [key, operator === '=' ? value : parseJson(value, key)];
}

function parseObject(text: string, what: string): Fields {
  const value = parseJson(text, what);
  if (isObject(value)) return value;
  throw new ProgressError('bad_event', `${what} must be a JSON object, such as {"current":1}`);
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProgressError('bad_json', `${what}: ${(error as Error).message}`, { cause: error });
  }
}
