/** Channel that passes alerts to a program. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CommandConfig } from '../../config/channel-schema.js';
import type { Alert, AlertChannel } from '../channel.js';
import { toSingleLine } from '../single-line.js';
import { toJson } from './payload.js';
import type { ProgramEnd } from './program.js';
import { runProgram, whyItFailed } from './program.js';
import { failed, retry } from './undeliverable.js';

/** Exit status of sysexits(3) by which a program requests a retry. */
const EX_TEMPFAIL = 75;
/** Bound of a variable; the whole alert is on stdin. */
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

/** Variables for the program: single lines without NUL. */
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
  if (program.includes('/')) return `${program}${code === 'ENOENT' ? ': no such program' : REFUSED}`;
  // a directory in PATH without search permission causes EACCES too
  return code === 'EACCES' && isInPath(program) ? program + REFUSED : `${program} is not in PATH`;
}

const REFUSED = ' may not be executed';

function isInPath(program: string): boolean {
  const directories = (process.env['PATH'] ?? '').split(path.delimiter);
  return directories.some((directory) => existsSync(path.join(directory, program)));
}
