/** Entry point of a process that shows one notification: reads JSON from stdin, and prints errors to stderr. */
import { readFileSync } from 'node:fs';
import notifier from 'node-notifier';
import type { Notification } from './desktop.js';

const notification = JSON.parse(readFileSync(0, 'utf8')) as Notification;
notifier.notify(optionsFor(notification), (error: unknown) => {
  // a text is the stderr of a notifier that succeeded
  if (!(error instanceof Error)) return;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});

function optionsFor({ title, body, urgency }: Notification): object {
  if (process.platform === 'darwin') return { title, message: body };
  return { 'app-name': 'progress', title: noOption(title), message: noOption(escapeBody(body)), urgency };
}

/** Escapes a body, which is markup in the desktop's specification, and in which notify-send reads escapes like `\033`. */
function escapeBody(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\\', '\\\\');
}

/** Adds a zero-width space before a dash, since notify-send reads an option anywhere. */
function noOption(text: string): string {
  return text.startsWith('-') ? `\u200b${text}` : text;
}
