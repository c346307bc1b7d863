/**
 * What an agent's hooks tell of its session, as events. Pure: a call, and what is known of the session before it.
 *
 * `hooks/claude-plugin/agent-hook` is a shell program that needs no other file: it appends the JSON that it is given
 * to the spool as it is, or in hexadecimal where it may not be one line, so nothing is quoted in a shell. The meaning
 * of a call depends on what is known of its session, so `submitDeferred` interprets it after everything before it is
 * folded. A payload too long for the shared file has its own file, named by a line in the shared file: so the shared
 * file holds the order of all calls. A call that is delivered twice is recognised by its content
 * (`repeated-calls.ts`). A late call does not take back the end of a turn.
 */
import { toolTitle, wordsOf } from '../core/activity.js';
import { clip } from '../core/fields.js';
import type { EventData } from '../core/event.js';
import type { Execution, Step } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { createMessages, firstLine, QUESTION_TOOLS, toolName } from './claude/content.js';
import { callPatch } from './codex/rollout.js';
import { callTool } from './gemini/stream.js';
import type { HookCall } from './hook-call.js';
import type { Json } from '../formats/json.js';
import { finiteOf, objectOf, objectsOf, stringOf } from '../formats/json.js';
import type { StreamEvent } from '../formats/parser.js';
import type { Beginning, OpenedStep, PlanItem, AgentRecorder } from './recorder.js';
import { createAgentRecorder, PLAN_PREFIX } from './recorder.js';
import { TURN_FAILED, TURN_OVER, TURN_STOPPED } from './turn.js';

const TURN_ENDS = [TURN_OVER, TURN_FAILED, TURN_STOPPED];
const MAY_IT = 'may it use ';
/** What the person, or a rule, has not allowed; the tool has not run then, and nothing else tells of its end. */
const DENIED = /permission|haven't granted|denied|rejected|not allowed|doesn't want|blocked|cancelled/i;

interface Told {
  call: HookCall;
  fields: Json;
  trace: AgentRecorder;
  /** The session so far; undefined at its beginning. */
  known: Execution | undefined;
}

type Tell = (told: Told) => void;

/** Each agent has its own word for the same; a name that two of them share means the same in both. */
const EVENTS: Readonly<Record<string, Tell | undefined>> = {
  UserPromptSubmit: prompt,
  BeforeAgent: prompt,
  MessageDisplay: display,
  PreToolUse: (told) => callOf(told, stringOf(told.fields['tool_use_id']) ?? newToolId(told)),
  BeforeTool: (told) => callOf(told, newToolId(told)),
  PostToolUse: resultOf,
  PostToolUseFailure: resultOf,
  AfterTool: resultOf,
  PostToolBatch: closeDenied,
  PermissionRequest: askPermission,
  PermissionDenied({ trace, fields }) {
    trace.log('warning', `denied: ${titleOf(fields, trace.cwd)}: ${stringOf(fields['reason']) ?? ''}`);
  },
  Elicitation: ({ trace, fields }) => trace.wait(stringOf(fields['message']) ?? 'a question'),
  Notification: notify,
  SubagentStart: startSubagent,
  SubagentStop: stopSubagent,
  Stop: stop,
  AfterAgent: stop,
  StopFailure({ trace, fields }) {
    const words = ['error', 'error_details', 'last_assistant_message'].map((key) => stringOf(fields[key]));
    const told = words.filter((word) => word !== undefined && word !== '' && word !== 'unknown');
    const reason = [...new Set(told)].join(': ');
    trace.log('error', reason);
    trace.wait(TURN_FAILED + reason);
  },
  Interrupt: ({ trace }) => trace.wait(TURN_STOPPED),
  PreCompact: ({ trace }) => trace.log('info', 'compacting the context'),
};

/** These do not tell that the session goes on. */
const NO_ANSWER: ReadonlySet<string> = new Set(['Notification', 'PermissionRequest', 'SubagentStop', 'SessionEnd']);
/** Hooks are asynchronous: of a turn that is over these may come late, and begin no other. */
const LATE: ReadonlySet<string> = new Set([
  ...['MessageDisplay', 'PostToolUse', 'PostToolUseFailure', 'AfterTool', 'PostToolBatch', 'PermissionDenied'],
  ...['PreCompact', 'Stop', 'AfterAgent', 'SubagentStart'],
]);
const RESULTS: ReadonlySet<string> = new Set(['PostToolUse', 'PostToolUseFailure', 'AfterTool']);
/** These begin a session that nobody has announced, or that was over: the others may come late. */
const BEGINNINGS: ReadonlySet<string> = new Set([
  ...['SessionStart', 'UserPromptSubmit', 'BeforeAgent', 'PreToolUse', 'BeforeTool', 'PermissionRequest'],
]);

/** May it be the first that is heard of a session, or the first after its end? */
export function isBeginning({ event, fields }: HookCall, known: Execution | undefined): boolean {
  if (known?.steps.has(stringOf(fields['tool_use_id']) ?? '')) return false;
  return BEGINNINGS.has(event) || (known === undefined && event !== 'SessionEnd');
}

/** What it says besides the beginning and the end of the session; nothing where its event means nothing to us. */
export function hookEvents(call: HookCall, known: Execution | undefined): StreamEvent[] {
  const trace = createAgentRecorder(call.subagent, beginningOf(call, known));
  const tell = Object.hasOwn(EVENTS, call.event) ? EVENTS[call.event] : undefined;
  const told: Told = { call, fields: call.fields, trace, known };
  if (call.subagent !== undefined && call.event !== 'SubagentStop') startSubagent(told);
  if (isAnswer(told)) trace.goOn();
  tell?.(told);
  return trace.take();
}

/** Does the call show that what the session waits for has come? */
function isAnswer({ call, fields, known }: Told): boolean {
  if (NO_ANSWER.has(call.event)) return false;
  const reason = known?.attention === 'waiting' ? (known.attentionReason ?? '') : '';
  const id = stringOf(fields['tool_use_id']);
  const step = id === undefined ? undefined : known?.steps.get(id);
  if (TURN_ENDS.some((end) => reason.startsWith(end))) return !LATE.has(call.event) && step === undefined;
  if (!RESULTS.has(call.event) || !reason.startsWith(MAY_IT)) return true;
  // no answer is the result of a tool beside the one that is asked about and has not run yet
  const isAsked = ({ name, status }: Step) => status === 'running' && reason === question(name);
  return (step !== undefined && isAsked(step)) || ![...(known?.steps.values() ?? [])].some(isAsked);
}

/** What a session is, as far as its hooks know. */
export function describeSession({ agent, session, fields }: HookCall): EventData {
  const [cwd, model] = [stringOf(fields['cwd']), stringOf(fields['model'])];
  return { agent, session, via: 'hooks', ...(cwd !== undefined && { cwd }), ...(model !== undefined && { model }) };
}

interface End {
  type: string;
  data: EventData;
}

/** A turn that is not told to be over when its session is: what each agent would have told, it was not. */
const CUT_SHORT: Readonly<Record<string, End | undefined>> = {
  claude: { type: 'execution_cancelled', data: {} },
  codex: { type: 'execution_failed', data: { error: 'it ended in the middle of its turn' } },
};
/** What Claude Code says of a turn that has failed; not all versions call a hook then. */
const API_ERROR = 'API Error: ';
const CUT_SOMEHOW: End = { type: 'execution_lost', data: { error: 'it ended in the middle of its turn' } };
const GONE: End = { type: 'execution_lost', data: { error: 'the agent is gone without a word' } };

/** How a session has ended: well between its turns, else in the middle of one. `isGone`: it has not told so itself. */
export function endOfSession(known: Execution, { isGone = false } = {}): End {
  const { agent = '', attention, attentionReason = '', steps, tail, turns } = known;
  const reason = attention === 'waiting' ? attentionReason : '';
  if (reason.startsWith(TURN_FAILED)) {
    return { type: 'execution_failed', data: { error: reason.slice(TURN_FAILED.length) } };
  }
  if (reason.startsWith(TURN_STOPPED)) return { type: 'execution_cancelled', data: { error: 'interrupted' } };
  const isUnused = turns === undefined && steps.size === 0 && tail.length === 0;
  if (isUnused || reason.startsWith(TURN_OVER)) return { type: 'execution_completed', data: {} };
  const last = tail.at(-1) ?? '';
  if (agent === 'claude' && last.startsWith(API_ERROR)) return { type: 'execution_failed', data: { error: last } };
  return isGone ? GONE : ((Object.hasOwn(CUT_SHORT, agent) ? CUT_SHORT[agent] : undefined) ?? CUT_SOMEHOW);
}

/** The end of one whose process went on with another session. */
export function endOfLeft(known: Execution, session: string): End {
  const { type, data } = endOfSession(known);
  return { type, data: { summary: `its process went on with session ${session}`, ...data } };
}

function beginningOf({ subagent, fields }: HookCall, known: Execution | undefined): Beginning {
  const opened = new Map<string, OpenedStep>();
  const planned = new Map<string, PlanItem['status']>();
  for (const { id, status, parent, kind } of known?.steps.values() ?? []) {
    if (kind === 'criterion' && id.startsWith(PLAN_PREFIX)) planned.set(id, planStatusOf(status));
    else if (status === 'running') opened.set(id, parent === undefined ? {} : { parent });
  }
  return {
    cwd: stringOf(fields['cwd']),
    waiting: known?.attention === 'waiting' && isItsQuestion(known, subagent),
    opened,
    planned,
  };
}

/** The answer to one participant's question is no answer to another's; a sub-agent that is over waits for none. */
function isItsQuestion({ attentionStep: asker, steps }: Execution, subagent: string | undefined): boolean {
  if (asker === subagent) return true;
  const step = asker === undefined ? undefined : steps.get(asker);
  return subagent === undefined && step !== undefined && isFinal(step.status);
}

function planStatusOf(status: Step['status']): PlanItem['status'] {
  return status === 'pending' || status === 'running' || status === 'completed' ? status : 'skipped';
}

function prompt({ trace, fields }: Told): void {
  trace.say('prompt', fields['prompt']);
}

function display({ trace, fields, known }: Told): void {
  const text = stringOf(fields['delta'])?.trim() ?? '';
  // the end of the turn has told it
  const isLate = known?.attention === 'waiting' && known.attentionReason?.startsWith(TURN_OVER) === true;
  if (!isLate || !text.split('\n').every((line) => known.tail.includes(line))) trace.say('assistant-text', text);
}

/** The same tools as in what the agent prints: `messages` knows them. */
function callOf({ call, fields, trace, known }: Told, id: string): void {
  // it may have been told twice, by the settings and by a plugin
  if (known?.steps.has(id)) return;
  const [name, input] = [stringOf(fields['tool_name']) ?? 'tool', fields['tool_input']];
  if (call.agent === 'gemini') return callTool(trace, id, name, input);
  const patch = stringOf(objectOf(input)?.['command']);
  if (name === 'apply_patch' && patch !== undefined) return callPatch(trace, id, patch);
  const content = [{ type: 'tool_use', id, name, input }];
  createMessages(trace).assistant({ message: { content }, parent_tool_use_id: call.subagent });
}

function resultOf(told: Told): void {
  const { call, fields, trace, known } = told;
  const id = stringOf(fields['tool_use_id']) ?? openTool(told)?.id ?? newToolId(told);
  const step = known?.steps.get(id);
  if (step && isFinal(step.status)) return;
  if (!step) callOf(told, id);
  const response = fields['tool_response'];
  const words = stringOf(fields['error']) ?? responseWords(response);
  const failed = fields['error'] !== undefined || isFailure(response);
  const content = [{ type: 'tool_result', tool_use_id: id, content: words ?? '', is_error: failed }];
  const { durationMs, ...details } = { durationMs: finiteOf(fields['duration_ms']), ...objectOf(response) };
  const result = { totalDurationMs: durationMs, ...details };
  createMessages(trace).user({ message: { content }, tool_use_result: result, parent_tool_use_id: call.subagent });
}

/** Gemini gives its calls no ids: the time of the call makes one. */
function newToolId({ fields, known }: Told): string {
  const id = `${clip(stringOf(fields['tool_name']) ?? 'tool', 64)} ${stringOf(fields['timestamp']) ?? '1'}`;
  let free = id;
  for (let number = 2; known?.steps.has(free); number++) free = `${id} ${number}`;
  return free;
}

/** The call that this is the result of: the first one open with the same input, else with the same tool. */
function openTool({ fields, trace, known }: Told): Step | undefined {
  const prefix = `${clip(stringOf(fields['tool_name']) ?? 'tool', 64)} `;
  const open = [...(known?.steps.values() ?? [])].filter(
    ({ id, status }) => status === 'running' && id.startsWith(prefix),
  );
  const subject = titleOf(fields, trace.cwd).split(': ').slice(1).join(': ');
  return open.find(({ name }) => subject !== '' && name.endsWith(subject)) ?? open[0];
}

function titleOf(fields: Json, cwd: string | undefined): string {
  return toolTitle(toolName(stringOf(fields['tool_name']) ?? 'a tool'), fields['tool_input'], cwd);
}

/** The words of a result, wherever this tool of this agent has them. */
function responseWords(response: unknown): string | undefined {
  const words = wordsOf(response);
  const fields = objectOf(response);
  if (words !== undefined || !fields) return words;
  const error = objectOf(fields['error']);
  const outputs = [stringOf(fields['stdout']), stringOf(fields['stderr'])].filter(
    (text) => text !== undefined && text !== '',
  );
  if (outputs.length > 0) return outputs.join('\n');
  const shown = [
    fields['content'],
    fields['returnDisplay'],
    fields['llmContent'],
    objectOf(fields['file'])?.['content'],
  ];
  const held = [error?.['message'], ...shown];
  return held.map(wordsOf).find((text) => text !== undefined);
}

/** Codex has its exit status in the text, and for commands not even there. */
function isFailure(response: unknown): boolean {
  if (typeof response === 'string') return /^Exit code: [1-9]/.test(response);
  const fields = objectOf(response);
  return fields?.['error'] !== undefined || fields?.['is_error'] === true;
}

/** Of a call that was denied only its batch tells. */
function closeDenied({ fields, trace, known }: Told): void {
  for (const each of objectsOf(fields['tool_calls'])) {
    const id = stringOf(each['tool_use_id']);
    const step = id === undefined ? undefined : known?.steps.get(id);
    const words = responseWords(each['tool_response']);
    if (step?.status !== 'running' || words === undefined || !DENIED.test(words)) continue;
    trace.result({ id, words, error: firstLine(words) });
  }
}

function askPermission({ fields, trace, known }: Told): void {
  // its question is asked already
  if (known?.attention === 'waiting' && QUESTION_TOOLS.has(stringOf(fields['tool_name']) ?? '')) return;
  trace.wait(question(titleOf(fields, trace.cwd)));
}

function question(title: string): string {
  return `${MAY_IT}${title}?`;
}

/** Kinds of notifications that somebody has to answer. */
const QUESTIONS = /permission|idle_prompt|elicitation_(?:url_)?dialog|needs_input/i;

function notify({ fields, trace, known }: Told): void {
  const message = stringOf(fields['message']) ?? '';
  if (!QUESTIONS.test(stringOf(fields['notification_type']) ?? message)) trace.log('info', message);
  // what is known already says more
  else if (known?.attention !== 'waiting') trace.wait(message);
}

function startSubagent({ call, fields, trace, known }: Told): void {
  if (call.subagent === undefined || known?.steps.has(call.subagent)) return;
  const kind = stringOf(fields['agent_type']);
  const parent = callOfSubagent(known);
  const name = kind === undefined || kind === '' ? 'sub-agent' : kind;
  trace.open(call.subagent, { name, kind: 'subagent', ...(parent !== undefined && { parent }) });
}

/** Nothing says which call has started it: the first one open that has none yet. */
function callOfSubagent(known: Execution | undefined): string | undefined {
  const steps = [...(known?.steps.values() ?? [])];
  const taken = new Set(steps.filter(({ kind }) => kind === 'subagent').map(({ parent }) => parent));
  return steps.find(({ id, kind, status }) => kind === 'subagent' && status === 'running' && !taken.has(id))?.id;
}

/** Agents of the machinery itself stop without having been started. */
function stopSubagent({ call, fields, trace, known }: Told): void {
  const step = known?.steps.get(call.subagent ?? '');
  if (call.subagent === undefined || step?.status !== 'running') return;
  trace.say('assistant-text', fields['last_assistant_message']);
  trace.close(call.subagent, 'completed');
  // one that went on behind its call ends it now
  const parent = step.parent === undefined ? undefined : known?.steps.get(step.parent);
  if (parent?.kind === 'subagent' && isLaunched(parent, known)) trace.close(parent.id, 'completed');
}

/** Has its call returned already? Another call, or the person's turn, has come since. */
function isLaunched(step: Step, known: Execution | undefined): boolean {
  const later = [...(known?.steps.values() ?? [])].slice([...(known?.steps.keys() ?? [])].indexOf(step.id) + 1);
  return known?.attention === 'waiting' || later.some(({ parent, kind }) => kind === 'tool' && parent === step.parent);
}

function stop({ call, fields, trace, known }: Told): void {
  const text = stringOf(fields['last_assistant_message'] ?? fields['prompt_response'])?.trim() ?? '';
  const isSaid = known?.tail.at(-1) !== undefined && text.endsWith(known.tail.at(-1) ?? '');
  if (!isSaid) trace.say('assistant-text', text);
  const tasks = fields['background_tasks'];
  if (call.subagent === undefined && Array.isArray(tasks) && tasks.length === 0) closeTools(trace, known);
  trace.finish({ status: 'completed' }, {}, undefined);
  // a question of a sub-agent comes before the next prompt
  if (known?.attention === 'waiting' && !isItsQuestion(known, call.subagent)) return;
  trace.wait(text === '' ? TURN_OVER : `${TURN_OVER}: ${firstLine(text)}`);
}

/** Nothing runs behind the turn: what nobody has told the end of was given up. */
function closeTools(trace: AgentRecorder, known: Execution | undefined): void {
  for (const { id, kind, status } of known?.steps.values() ?? []) {
    if (status === 'running' && kind === 'tool') trace.close(id, 'cancelled');
  }
}
