/** Secrets in command lines, masked before anybody keeps them. Best effort: what looks like none is kept. */
import type { NewEvent } from './event.js';

const MASK = '***';

/** Part of the name of an option or a variable whose value nobody may see. */
export const SECRET_NAME =
  '(?:pass(?:word|wd|phrase)?|pwd|secret|token|api-?_?key|access-?_?key|secret-?_?key|private-?_?key|auth|credentials?)';
/** A word of a shell: in quotes, or up to the next space. */
const VALUE = `(?:"[^"]*"|'[^']*'|[^\\s"'][^\\s]*)`;

const RULES: readonly (readonly [RegExp, string])[] = [
  // --db-password=x, --token x, -token=x
  [new RegExp(`(^|\\s)(--?(?:[a-z0-9]+[-_])*${SECRET_NAME})([= ])${VALUE}`, 'gi'), `$1$2$3${MASK}`],
  // GITHUB_TOKEN=x, in front of a command or after `env`
  [new RegExp(`\\b((?:[a-z0-9]+_)*${SECRET_NAME}(?:_[a-z0-9]+)*)=${VALUE}`, 'gi'), `$1=${MASK}`],
  // https://user:x@host
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi, `$1:${MASK}@`],
  // Authorization: Bearer x, X-Api-Key: x
  [
    new RegExp(`\\b((?:[a-z0-9]+-)*(?:authorization|${SECRET_NAME}): *(?:bearer |basic |token )?)[^\\s"']+`, 'gi'),
    `$1${MASK}`,
  ],
  // curl -u user:x
  [/(\s(?:-u|--user)[= ]?["']?[^\s:"']+):[^\s"']+/g, `$1:${MASK}`],
  // what services give out: it tells by its shape
  [/\b(?:gh[oprsu]_|github_pat_|glpat-|xox[abprs]-|sk-|npm_|AKIA|ASIA|AIza)[A-Za-z0-9_-]{12,}/g, MASK],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, MASK],
];

/** An option whose value is the next word. */
const SECRET_OPTION = new RegExp(`^--?(?:[a-z0-9]+[-_])*${SECRET_NAME}$`, 'i');

/** One command line, as it was typed. */
export function maskText(text: string): string {
  return RULES.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), text);
}

/** A command line as words. */
export function maskWords(words: readonly unknown[]): unknown[] {
  return words.map((word, at) => {
    if (typeof word !== 'string') return word;
    const before = words[at - 1];
    if (typeof before === 'string' && SECRET_OPTION.test(before)) return MASK;
    return maskText(word);
  });
}

/** The same event, or where it tells of a command line one without the secrets in that. */
export function maskEvent(event: NewEvent): NewEvent {
  const { argv, name } = event.data;
  if (argv === undefined || (event.type !== 'execution_started' && event.type !== 'execution_queued')) return event;
  const masked = {
    ...(Array.isArray(argv) && { argv: maskWords(argv) }),
    ...(typeof name === 'string' && { name: maskText(name) }),
  };
  return { ...event, data: { ...event.data, ...masked } };
}
