/** A channel that gives alerts to a program. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CommandConfig } from '../../config/channel-schema.js';
import type { Alert, AlertChannel } from '../channel.js';
import { toSingleLine } from '../single-line.js';
import { toJson } from './payload.js';
import type { ProgramEnd } from './program.js';
import { runProgram, whyItFailed } from './program.js';
import { failed, retry } from './undeliverable.js';

/** Of sysexits: the program asks to be tried again. */
const EX_TEMPFAIL = 75;
/** What a variable holds: the whole alert is on stdin. */
const VARIABLE_CHARS = 4_096;

export function createCommand(name: string, config: CommandConfig, env: NodeJS.ProcessEnv): AlertChannel {
  const [program = '', ...args] = config.command;
  return {
    name,
    type: config.type,
    async send(alert, signal) {
      const end = await runProgram({
        argv: [program, ...args],
        env: { ...env, ...variablesOf(alert) },
        input: `${toJson(alert)}\n`,
        timeoutMs: config.timeout,
        signal,
      });
      const failure = whyNotStarted(program, end) ?? whyItFailed(program, end, config.timeout);
      if (failure === undefined) return { outcome: 'sent' };
      const isTemporary = end.end === 'aborted' || (end.end === 'status' && end.status === EX_TEMPFAIL);
      throw isTemporary ? retry(failure) : failed(failure);
    },
  };
}

/** Lines, which a shell may quote and no NUL ends. */
function variablesOf({ id, rule, rules, title, body, urgency, severity, time, execution }: Alert): NodeJS.ProcessEnv {
  const texts = {
    ID: id,
    RULE: rule,
    RULES: rules.join(' '),
    TITLE: title,
    BODY: body,
    URGENCY: urgency,
    SEVERITY: severity,
    TIME: time,
  };
  const variables = Object.entries({ ...texts, EXECUTION: execution?.id ?? '' });
  return Object.fromEntries(
    variables.map(([key, text]) => [`PROGRESS_ALERT_${key}`, toSingleLine(text, VARIABLE_CHARS)]),
  );
}

function whyNotStarted(program: string, end: ProgramEnd): string | undefined {
  if (end.end !== 'not started') return undefined;
  const { code } = end.error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'EACCES') return undefined;
  if (program.includes('/')) return `${program}${code === 'ENOENT' ? ': there is no such program' : REFUSED}`;
  // a directory in PATH that may not be searched is refused too, whatever is in it
  return code === 'EACCES' && isInPath(program) ? program + REFUSED : `${program} is not in PATH`;
}

const REFUSED = ' may not be executed';

function isInPath(program: string): boolean {
  const directories = (process.env['PATH'] ?? '').split(path.delimiter);
  return directories.some((directory) => existsSync(path.join(directory, program)));
}
