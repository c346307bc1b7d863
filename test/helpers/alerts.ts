/** Alerts for channels to send, and hostile texts that must stay texts. */
import type { Alert, AlertChannel, DeliveryOutcome } from '../../src/alerts/channel.js';
import type { ExecutionJson } from '../../src/core/execution.js';

export function anAlert(fields: Partial<Alert> = {}): Alert {
  return {
    id: 'alert-0123456789abcdef',
    rule: 'failed',
    rules: [fields.rule ?? 'failed'],
    title: '✗ nightly build failed',
    body: 'exit 1 after 0:03',
    urgency: 'normal',
    severity: 'error',
    time: '2026-11-20T12:48:46.123Z',
    ...fields,
  };
}

export function anExecution(fields: Partial<ExecutionJson> = {}): ExecutionJson {
  return {
    id: '7hq2m4kd9x',
    name: 'nightly build',
    kind: 'run',
    status: 'failed',
    outcome: { exitCode: 1 },
    lastActivity: '2026-11-20T12:48:46.123Z',
    steps: [],
    tail: [],
    firstSeq: 1,
    lastSeq: 2,
    ...fields,
  };
}

/** An alert with `text` in every field that a producer controls. */
export function alertFullOf(text: string): Alert {
  const data = { name: text, error: text, message: text, labels: { [text]: text }, argv: [text] };
  const event = {
    seq: 1,
    time: '2026-11-20T12:48:46.123Z',
    type: text,
    execution: text,
    step: text,
    source: text,
    data,
  };
  const step = { id: text, name: text, kind: text, status: 'failed' as const, error: text };
  const names = { id: text, name: text, kind: text, agent: { name: text }, producer: { source: text } };
  const process = { argv: [text], cwd: text, tty: text, host: text };
  const texts = { outcome: { error: text, summary: text }, queue: text, labels: { [text]: text }, tail: [text] };
  return anAlert({
    title: text,
    body: text,
    event,
    execution: anExecution({ ...names, ...texts, process, steps: [step] }),
  });
}

export function send(channel: AlertChannel, alert: Alert = anAlert(), signal?: AbortSignal): Promise<DeliveryOutcome> {
  return channel.send(alert, signal ?? new AbortController().signal);
}

/** Without control characters, like titles and bodies; `witness` is a file that none of them may create. */
export function hostileTexts(witness: string): string[] {
  return [
    ...['-w', '--help', '--version', '--action=x', '-dash', '--', '-'],
    ...['<b>x</b>', '&lt;', '<a href="file:///etc/passwd">x</a>', 'a & b', '<!channel>', '<@U123|x>', '*x* _y_ `z`'],
    ...[`$(touch ${witness})`, `\`touch ${witness}\``, `"; touch ${witness}; "`, `' "$HOME" \\"`, '!!'],
    ...['\\033[31mred', '\\377', '\\n', 'a\\', '%s %n', 'naïve 👩‍🚀 ✗'],
    ...['{"a":1}', '=?utf-8?Q?x?=', '.', 'From x', 'a@b.example, c@d.example', '__proto__', 'x'.repeat(900)],
  ];
}
/** With control characters, like other fields of events. */
export const CONTROLS = [
  ...[
    'a\r\nBcc: x@evil.example',
    'a\nb',
    'a\0b',
    '\u001b[2J\u001b]0;x\u0007',
    '\u009b31m',
    '\r\n.\r\n',
    '\u2028x\u2029',
  ],
  ...['\u202egnp.exe', '\ud800 half', 'a\tb'],
];
