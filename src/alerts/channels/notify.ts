/** The entry point of a process that shows one notification: JSON on stdin, and on stderr why it could not be shown. */
import { readFileSync } from 'node:fs';
import notifier from 'node-notifier';
import type { Notification } from './desktop.js';

const notification = JSON.parse(readFileSync(0, 'utf8')) as Notification;
notifier.notify(optionsFor(notification), (error: unknown) => {
  // a text is what a notifier that has succeeded wrote to its stderr
  if (!(error instanceof Error)) return;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});

function optionsFor({ title, body, urgency }: Notification): object {
  if (process.platform === 'darwin') return { title, message: body };
  return { 'app-name': 'progress', title: noOption(title), message: noOption(escapeBody(body)), urgency };
}

/** A body is markup by the desktop's specification, and notify-send reads escapes like `\033` in it; a title is plain. */
function escapeBody(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\\', '\\\\');
}

/** notify-send takes what begins with a dash for an option, wherever it stands; this space has no width. */
function noOption(text: string): string {
  return text.startsWith('-') ? `\u200b${text}` : text;
}
