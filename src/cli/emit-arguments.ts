/** The grammar of `progress emit`: from arguments to an event. Simple enough for a POSIX shell to do the same. */
import { ProgressError } from '../errors.js';

export interface EmitArguments {
  type?: string | undefined;
  execution?: string | undefined;
  step?: string | undefined;
  data?: string | undefined;
}

/** These pairs go into the envelope, all others into data. */
const ENVELOPE: ReadonlySet<string> = new Set(['execution', 'step', 'source', 'time', 'n']);
const PAIR = /^([A-Za-z_][A-Za-z0-9_.-]*)(:?=)(.*)$/s;

/** The daemon's, and what stands first. */
const REFUSED: ReadonlySet<string> = new Set(['seq', 'type']);

/** Where an event belongs that does not say so itself. */
export interface EventContext {
  execution?: string | undefined;
  step?: string | undefined;
}

/** From the options, else from the environment of an enclosing run; its step is of no use in another execution. */
export function contextOf(args: EventContext, env: NodeJS.ProcessEnv): EventContext {
  const inherited = { execution: given(env['PROGRESS_EXECUTION']), step: given(env['PROGRESS_STEP']) };
  const execution = args.execution ?? inherited.execution;
  return { execution, step: args.step ?? (execution === inherited.execution ? inherited.step : undefined) };
}

/** Shells can hardly unset what they have exported: an empty value is none. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** Adds what an event leaves out, by whatever field it `names` that; the step is of no use beside another execution. */
export function withContext(
  event: Record<string, unknown>,
  names: EventContext,
  context: EventContext,
): Record<string, unknown> {
  if (names.execution !== undefined) return event;
  const step = names.step ?? context.step;
  return { ...event, ...dropUndefined({ execution: context.execution }), ...(step !== undefined && { step }) };
}

/** Pairs are added to `--data`; an option wins over the pair of its name. */
export function buildEvent(
  args: EmitArguments,
  pairs: readonly string[],
  env: NodeJS.ProcessEnv,
): Record<string, unknown> {
  if (args.type === undefined || args.type === '') {
    throw new ProgressError('usage', 'emit needs a type: progress emit step_started --step build');
  }
  const data: Record<string, unknown> = args.data === undefined ? {} : parseObject(args.data);
  const envelope: Record<string, unknown> = {};
  for (const pair of pairs) {
    const [key, value] = parsePair(pair);
    if (REFUSED.has(key)) throw new ProgressError('usage', `${key} cannot be given as a pair`);
    if (ENVELOPE.has(key)) envelope[key] = value;
    else Object.defineProperty(data, key, { value, enumerable: true, configurable: true, writable: true });
  }
  const { execution: inPair, step: stepInPair, ...rest } = envelope;
  const execution = args.execution ?? inPair;
  const step = args.step ?? stepInPair;
  const context = contextOf(
    { ...(typeof execution === 'string' && { execution }), ...(typeof step === 'string' && { step }) },
    env,
  );
  const placed = { ...(execution !== undefined && { execution }), ...(step !== undefined && { step }) };
  return { type: args.type, ...rest, ...dropUndefined(context), ...placed, data };
}

function dropUndefined(context: EventContext): EventContext {
  return Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined));
}

function parsePair(pair: string): [string, unknown] {
  const [, key, operator, value] = PAIR.exec(pair) ?? [];
  if (key === undefined || value === undefined) {
    throw new ProgressError('usage', `${JSON.stringify(pair)} is neither key=text nor key:=json`);
  }
  return [key, operator === '=' ? value : parseJson(value, key)];
}

function parseObject(text: string): Record<string, unknown> {
  const value = parseJson(text, '--data');
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ProgressError('bad_event', '--data must be a JSON object, such as {"current":1}');
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProgressError('bad_json', `${what}: ${(error as Error).message}`, { cause: error });
  }
}
