/** Random histories of agents' sessions, as files and hook calls, and a simple reference model of what each one is. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { openSessions } from './sessions.js';
import type { Random } from './random.js';

type Sessions = Awaited<ReturnType<typeof openSessions>>;

/** What is expected of one execution of a session: it has another one after it was left and resumed. */
export interface Life {
  status: 'running' | 'completed';
  prompts: string[];
  tokens: number;
  /** Why it waits. */
  reason: string | undefined;
  parent: string | undefined;
}

export interface Subject {
  agent: 'claude' | 'codex';
  /** Its hooks are called, too. */
  isHooked: boolean;
  id: string;
  /** Where its file lies, below the agent's directory. */
  file: string;
  /** Its lines as they were written, copies of a parent included. */
  lines: string[];
  lives: Life[];
  isBusy: boolean;
  /** Another session is recognised as its fork by the age of its file, which a copy would not have. */
  isPinned: boolean;
  /** Of Codex: whether this version records each response, and the sum of the thread. */
  hasRecords: boolean;
  total: number;
  clock: number;
  count: number;
  /** Calls of hooks that are still to be delivered. */
  calls: { payload: Record<string, unknown>; time: string }[];
  /** Sub-agents that work, with their files. */
  subagents: Map<string, string>;
  /** Of a fork that has no file yet. */
  copy: ((sessions: Sessions) => void) | undefined;
}

const START = Date.parse('2026-11-21T00:00:00.000Z');
const FRESH: Life = { status: 'running', prompts: [], tokens: 0, reason: undefined, parent: undefined };
const OVER = 'its turn is over';
const STOPPED = 'its turn was interrupted';
const ZERO_USAGE = { input_tokens: 0, output_tokens: 0 };

export function createSubject(agent: Subject['agent'], isHooked: boolean, index: number, random: Random): Subject {
  const id = `${agent === 'claude' ? '04' : '01'}000000-0000-7000-8000-${String(index).padStart(12, '0')}`;
  return {
    ...{ agent, isHooked, id, lines: [], lives: [{ ...FRESH, prompts: [] }], isBusy: false, isPinned: false },
    file: agent === 'claude' ? `-w${index % 8}/${id}.jsonl` : `2026/11/21/rollout-2026-11-21T00-00-00-${id}.jsonl`,
    ...{
      hasRecords: random(2) === 0,
      total: 0,
      clock: START + index,
      count: 0,
      calls: [],
      subagents: new Map(),
      copy: undefined,
    },
  };
}

export function lifeOf({ lives }: Subject): Life {
  const life = lives.at(-1);
  if (!life) throw new Error('a session has a life');
  return life;
}

const next = (subject: Subject) => `${subject.id.slice(0, 2)}${subject.id.slice(-4)}-${(subject.count += 1)}`;
const timeOf = (subject: Subject) => new Date((subject.clock += 1_000)).toISOString();
const textOf = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`);

function write(sessions: Sessions, subject: Subject, ...lines: object[]) {
  const texts = textOf(lines);
  subject.lines.push(...texts);
  sessions.append(subject.file, texts.join(''));
}

function call({ at }: Sessions, subject: Subject, event: string, more: object = {}) {
  if (!subject.isHooked) return;
  const common = { session_id: subject.id, transcript_path: at(subject.file), cwd: '/w', hook_event_name: event };
  subject.calls.push({ payload: { ...common, ...more }, time: timeOf(subject) });
}

/** These may overtake each other, since hooks are asynchronous. */
const LOOSE: ReadonlySet<unknown> = new Set(['PostToolUse', 'PostToolBatch', 'Stop', 'MessageDisplay']);

/** Delivers the calls of hooks, some of them twice, some behind the next one. */
export function deliver(sessions: Sessions, subject: Subject, random: Random) {
  const { calls } = subject;
  for (let index = 0; index + 1 < calls.length; index++) {
    const [one, other] = [calls[index]!, calls[index + 1]!];
    if (random(5) > 0 || ![one, other].every(({ payload }) => LOOSE.has(payload['hook_event_name']))) continue;
    calls.splice(index++, 2, other, one);
  }
  for (const { payload, time } of calls.splice(0)) {
    sessions.hook(payload, time);
    if (random(5) === 0) sessions.hook(payload, time);
  }
}

function claudeLine(subject: Subject, type: string, more: object) {
  const base = { sessionId: subject.id, cwd: '/w', entrypoint: 'cli', uuid: next(subject), timestamp: timeOf(subject) };
  return { ...base, type, ...more };
}

/** One line for each block; the usage of the message grows from one to the next in some versions. */
function claudeAnswer(subject: Subject, content: object[], stop: string, tokens: number, random: Random) {
  const id = `m-${next(subject)}`;
  const isGrowing = random(2) === 0;
  return content.map((block, index) => {
    const isLast = index === content.length - 1;
    const usage = isLast || !isGrowing ? { ...ZERO_USAGE, input_tokens: tokens } : { ...ZERO_USAGE, output_tokens: 0 };
    const message = { id, stop_reason: isLast || !isGrowing ? stop : null, usage, content: [block] };
    return claudeLine(subject, 'assistant', { message });
  });
}

const record = (subject: Subject, type: string, payload: object) => ({ timestamp: timeOf(subject), type, payload });
const event = (subject: Subject, type: string, more: object = {}) => record(subject, 'event_msg', { type, ...more });

export function begin(sessions: Sessions, subject: Subject, random: Random) {
  call(sessions, subject, 'SessionStart', { source: 'startup' });
  deliver(sessions, subject, random);
  if (subject.agent === 'codex') describe(sessions, subject);
}

function describe(sessions: Sessions, subject: Subject, more: object = {}) {
  write(sessions, subject, record(subject, 'session_meta', { id: subject.id, cwd: '/w', source: 'cli', ...more }));
}

function prompt(sessions: Sessions, subject: Subject) {
  subject.copy?.(sessions);
  const words = `prompt ${next(subject)}`;
  if (subject.agent === 'claude') {
    write(sessions, subject, claudeLine(subject, 'user', { message: { content: words } }));
    call(sessions, subject, 'UserPromptSubmit', { prompt: words });
  } else {
    const begun = event(subject, 'task_started', { turn_id: words });
    write(sessions, subject, begun, event(subject, 'user_message', { message: words }));
  }
  const life = lifeOf(subject);
  life.prompts.push(words);
  life.reason = undefined;
  subject.isBusy = true;
}

function answer(sessions: Sessions, subject: Subject, random: Random) {
  const tokens = 1 + random(1_000);
  const text = `answer ${next(subject)}`;
  if (subject.agent === 'claude') {
    const thought = { type: 'thinking', thinking: `thought ${next(subject)}` };
    const blocks = [...(random(2) ? [thought] : []), { type: 'text', text }];
    write(sessions, subject, ...claudeAnswer(subject, blocks, 'end_turn', tokens, random));
    if (random(2)) call(sessions, subject, 'MessageDisplay', { message_id: next(subject), delta: text, final: true });
    call(sessions, subject, 'Stop', { last_assistant_message: text });
  } else {
    spend(sessions, subject, tokens);
    write(sessions, subject, event(subject, 'task_complete', { last_agent_message: text }));
  }
  const life = lifeOf(subject);
  life.tokens += tokens;
  life.reason = subject.isHooked ? `${OVER}: ${text}` : OVER;
  subject.isBusy = false;
}

/** The usage of one response: newer versions record it, and then the sum of the thread. */
function spend(sessions: Sessions, subject: Subject, tokens: number) {
  subject.total += tokens;
  const usage = { input_tokens: tokens };
  const response = record(subject, 'token_usage_record', { response_id: next(subject), usage });
  const sum = event(subject, 'token_count', { info: { total_token_usage: { input_tokens: subject.total } } });
  write(sessions, subject, ...(subject.hasRecords ? [response, sum] : [sum]));
}

function callTool(sessions: Sessions, subject: Subject, random: Random) {
  const id = `call-${next(subject)}`;
  const tokens = 1 + random(1_000);
  const isAnswered = random(4) > 0;
  if (subject.agent === 'claude') {
    const input = { command: 'make' };
    const content = [{ type: 'tool_use', id, name: 'Bash', input }];
    const result = { type: 'tool_result', tool_use_id: id, content: 'ok' };
    const fields = { tool_name: 'Bash', tool_input: input, tool_use_id: id };
    write(sessions, subject, ...claudeAnswer(subject, content, 'tool_use', tokens, random));
    call(sessions, subject, 'PreToolUse', fields);
    // a question that the user answers before the tool runs
    if (isAnswered && random(4) === 0)
      call(sessions, subject, 'PermissionRequest', { tool_name: 'Bash', tool_input: input });
    if (isAnswered) {
      write(sessions, subject, claudeLine(subject, 'user', { message: { content: [result] } }));
      call(sessions, subject, 'PostToolUse', { ...fields, tool_response: { stdout: 'ok' } });
      if (random(3) === 0)
        call(sessions, subject, 'PostToolBatch', { tool_calls: [{ ...fields, tool_response: 'ok' }] });
    }
  } else {
    const output = { type: 'function_call_output', call_id: id, output: 'ok' };
    write(sessions, subject, record(subject, 'response_item', { type: 'function_call', name: 'x', call_id: id }));
    if (isAnswered) write(sessions, subject, record(subject, 'response_item', output));
    spend(sessions, subject, tokens);
  }
  lifeOf(subject).tokens += tokens;
}

function interrupt(sessions: Sessions, subject: Subject) {
  const message = { content: [{ type: 'text', text: '[Request interrupted by user]' }] };
  if (subject.agent === 'claude') write(sessions, subject, claudeLine(subject, 'user', { message }));
  else write(sessions, subject, event(subject, 'turn_aborted', { reason: 'interrupted' }));
  lifeOf(subject).reason = STOPPED;
  subject.isBusy = false;
}

/** Claude Code writes older lines again; of Codex the response that the compaction takes is in no sum. */
function compact(sessions: Sessions, subject: Subject, random: Random) {
  if (subject.agent === 'claude') {
    const again = subject.lines.slice(-1 - random(subject.lines.length + 1)).map((line) => JSON.parse(line) as object);
    write(sessions, subject, claudeLine(subject, 'system', { subtype: 'compact_boundary' }), ...again);
    return;
  }
  if (subject.hasRecords) {
    const tokens = 1 + random(1_000);
    const usage = { input_tokens: tokens };
    write(sessions, subject, record(subject, 'token_usage_record', { response_id: next(subject), usage }));
    lifeOf(subject).tokens += tokens;
  }
  write(sessions, subject, record(subject, 'compacted', { message: 'short' }));
}

/** A sub-agent in the background: it begins, goes on, or ends. */
function delegate(sessions: Sessions, subject: Subject, random: Random) {
  if (subject.agent !== 'claude') return;
  const [working] = subject.subagents;
  const id = working?.[0] ?? next(subject);
  const file = working?.[1] ?? `${subject.file.replace(/\.jsonl$/, '')}/subagents/agent-${id}.jsonl`;
  const fields = { agent_id: id, agent_type: 'general' };
  if (!working) {
    subject.subagents.set(id, file);
    call(sessions, subject, 'SubagentStart', fields);
  }
  const tokens = 1 + random(1_000);
  const lines = claudeAnswer(subject, [{ type: 'text', text: `found ${next(subject)}` }], 'end_turn', tokens, random);
  sessions.append(file, textOf(lines.map((line) => ({ ...line, isSidechain: true, agentId: id }))).join(''));
  lifeOf(subject).tokens += tokens;
  // hooks name the file of a sub-agent when it ends
  if (working === undefined && !subject.isHooked && random(2)) return;
  subject.subagents.delete(id);
  call(sessions, subject, 'SubagentStop', { ...fields, agent_transcript_path: sessions.at(file) });
}

/** Replaces the file by a copy, elsewhere perhaps, or by one with a line that was not there. */
function replace(sessions: Sessions, subject: Subject, random: Random) {
  if (subject.isPinned) return;
  const bytes = readFileSync(sessions.at(subject.file));
  const isOther = subject.agent === 'claude' && random(3) === 0;
  const isMoved = !isOther && random(2) === 0 && (!subject.isHooked || subject.isBusy);
  const folders =
    subject.agent === 'claude' ? ['-w0', '-w1', '-w2'] : ['2026/11/21', '2026/11/22', '../archived_sessions'];
  const file = isMoved ? path.join(folders[random(3)] ?? '', path.basename(subject.file)) : subject.file;
  mkdirSync(path.dirname(sessions.at(file)), { recursive: true });
  if (isOther) subject.lines.unshift('{"type":"summary"}\n');
  writeFileSync(sessions.at(`${file}.new`), isOther ? `{"type":"summary"}\n${bytes.toString('utf8')}` : bytes);
  if (file !== subject.file) rmSync(sessions.at(subject.file));
  renameSync(sessions.at(`${file}.new`), sessions.at(file));
  subject.file = file;
  // the next call names it where it is now
  if (isMoved) call(sessions, subject, 'PreCompact', { trigger: 'auto' });
}

/** @returns the new session, which writes its file with a copy of everything so far when it is asked something. */
export function fork(sessions: Sessions, subject: Subject, index: number, random: Random): Subject | undefined {
  if (lifeOf(subject).prompts.length === 0) return undefined;
  const child = createSubject(subject.agent, subject.isHooked, index, random);
  child.file = path.join(path.dirname(subject.file), path.basename(child.file));
  Object.assign(child, { clock: subject.clock, total: subject.total, isPinned: true });
  lifeOf(child).parent = subject.isHooked ? undefined : subject.id;
  const copies = subject.lines.map((line) => JSON.parse(line) as object);
  call(sessions, child, 'SessionStart', { source: 'fork' });
  deliver(sessions, child, random);
  const kind = random(3);
  const mark = kind === 0 ? { forkedFrom: { sessionId: subject.id } } : {};
  const isRenamed = subject.agent === 'claude' && kind !== 2;
  child.copy = (opened) => {
    if (child.agent === 'codex') describe(opened, child, { forked_from_id: subject.id });
    write(opened, child, ...copies.map((line) => ({ ...line, ...(isRenamed && { sessionId: child.id, ...mark }) })));
    child.copy = undefined;
  };
  subject.isPinned = true;
  return child;
}

/** The agent is left between two turns, and the session resumed. */
function resume(sessions: Sessions, subject: Subject) {
  // the interruption of a turn need not be known yet, and a session that was left in it is no completed one
  if (!subject.isHooked || lifeOf(subject).prompts.length === 0 || lifeOf(subject).reason === STOPPED) return;
  call(sessions, subject, 'SessionEnd', { reason: 'prompt_input_exit' });
  Object.assign(lifeOf(subject), { status: 'completed', reason: undefined });
  subject.clock += 60_000;
  subject.subagents.clear();
  call(sessions, subject, 'SessionStart', { source: 'resume' });
  subject.lives.push({ ...FRESH, prompts: [] });
}

/** Something that may happen to a session now. */
export function act(sessions: Sessions, subject: Subject, random: Random): void {
  const anytime = [compact, replace];
  const inTurn = [answer, answer, callTool, callTool, interrupt, delegate];
  if (subject.lines.length > 0 && random(4) === 0) anytime[random(anytime.length)]?.(sessions, subject, random);
  else if (subject.isBusy) inTurn[random(inTurn.length)]?.(sessions, subject, random);
  else if (random(4) === 0) resume(sessions, subject);
  else prompt(sessions, subject);
  subject.hasRecords ||= random(10) === 0;
  deliver(sessions, subject, random);
}

/** Completes a session so that all of it is visible: it needs a prompt, and Codex reports tokens at the end of a turn. */
export function settle(sessions: Sessions, subject: Subject, random: Random): void {
  if (lifeOf(subject).prompts.length === 0) prompt(sessions, subject);
  if (subject.isBusy && subject.agent === 'codex') answer(sessions, subject, random);
  deliver(sessions, subject, random);
}
