/** Renders what manual pages take from the definitions of commands. `npm run docs` writes the pages; a test compares them. */
import type { Command } from './command.js';
import type { OptionSpec, OptionTable } from './options.js';

const NOTE = '.\\" npm run docs writes the .It lines and the line below each; the rest is written by hand.';
const OPEN = '.Bl -tag -width Ds';
const CLOSE = '.El';

/** @returns the page of a command, in mdoc, with its current description and options */
export function renderPage(page: string, { describe, options }: Pick<Command, 'describe' | 'options'>): string {
  const title = `${describe.charAt(0).toLowerCase()}${describe.slice(1)}`;
  return renderOptions(page.replace(/^\.Nd .*$/m, `.Nd ${title}`), options);
}

/** @returns the overview with a current list of commands */
export function renderCommands(page: string, commands: Readonly<Record<string, Pick<Command, 'describe'>>>): string {
  const lines = page.split('\n');
  const start = lines.indexOf('.Sh COMMANDS') + 2;
  const items = Object.entries(commands).flatMap(([verb, { describe }]) => [
    `.It Cm ${verb}`,
    `${describe}; see`,
    `.Xr progress-${verb} 1 .`,
  ]);
  return [...lines.slice(0, start), ...items, ...lines.slice(lines.indexOf(CLOSE, start))].join('\n');
}

/**
 * @returns the page with the names and the first sentences of the table; further text of an option is kept
 * @throws if the page lacks the section, or has one without need
 */
export function renderOptions(page: string, options: OptionTable): string {
  const lines = page.split('\n');
  const title = lines.indexOf('.Sh OPTIONS');
  const hasOptions = Object.keys(options).length > 0;
  if ((title === -1) !== !hasOptions) throw new Error(`OPTIONS is ${hasOptions ? 'missing' : 'not needed'}`);
  if (!hasOptions) return page;
  const start = lines.indexOf(OPEN, title);
  const end = endOfList(lines, start);
  const { details, others } = readItems(lines.slice(start + 1, end));
  const items = Object.entries(options).flatMap(([name, spec]) => [
    itemLine(name, spec),
    `${spec.describe}.`,
    ...(details.get(name) ?? []),
  ]);
  const intro = lines.slice(title + 1, start).filter((line) => line !== NOTE);
  return [...lines.slice(0, title + 1), NOTE, ...intro, OPEN, ...items, ...others, ...lines.slice(end)].join('\n');
}

/** @returns the index of the `.El` that closes the list at `start` */
function endOfList(lines: readonly string[], start: number): number {
  let depth = 0;
  for (let at = start; start !== -1 && at < lines.length; at++) {
    if (lines[at]?.startsWith('.Bl ')) depth++;
    if (lines[at] === CLOSE && --depth === 0) return at;
  }
  throw new Error(`OPTIONS has no list: ${OPEN} ... ${CLOSE}`);
}

interface Items {
  /** Lines that follow the first sentence, by option. */
  details: Map<string, string[]>;
  /** Items that are not an option of the table, such as `--`. */
  others: string[];
}

function readItems(lines: readonly string[]): Items {
  const details: Items['details'] = new Map();
  const others: string[] = [];
  for (const item of splitItems(lines)) {
    const [, name] = /^\.It Fl .*\bFl ([a-z][\w-]*)/.exec(item[0] ?? '') ?? [];
    if (name === undefined) others.push(...item);
    else details.set(name, item.slice(2));
  }
  return { details, others };
}

/** Items of nested lists do not begin with an option. */
function splitItems(lines: readonly string[]): string[][] {
  const items: string[][] = [];
  for (const line of lines) {
    if (line.startsWith('.It Fl ')) items.push([line]);
    else items.at(-1)?.push(line);
  }
  return items;
}

function itemLine(name: string, { alias, value, isOptional }: OptionSpec): string {
  const text = value === undefined ? '' : `Ar ${value.replaceAll('=', ' Ns = Ns Ar ')}`;
  const argument = text === '' ? '' : isOptional ? ` Op ${text}` : ` ${text}`;
  const names = [...(alias === undefined ? [] : [`Fl ${alias}`]), `Fl Fl ${name}`];
  return `.It ${names.map((each) => each + argument).join(' , ')}`;
}
