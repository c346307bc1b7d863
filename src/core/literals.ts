/** What every text that a pattern (RE2) matches must hold, so that most texts need not be matched at all. */

/** Groups within groups beyond this are not looked into. */
const MAX_DEPTH = 10;
/** Escapes that stand for a set or a place. What else is behind a backslash and no punctuation gives up. */
const CLASS_ESCAPES = 'dDwWsSbBAz';
const PUNCTUATION = /^[!-/:-@[-`{-~]$/;

/** One of these texts stands in whatever matches; undefined when nothing of the kind is known. */
export function requiredTexts(pattern: string): string[] | undefined {
  try {
    const reader = new Reader(Array.from(pattern));
    const found = reader.alternatives(0);
    return reader.isAtEnd ? found : undefined;
  } catch (error) {
    if (error instanceof GivenUp) return undefined;
    throw error;
  }
}

/** Something stands there that is not worth understanding. */
class GivenUp extends Error {}

class Reader {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(characters: readonly string[]) {
    this.#characters = characters;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#characters.length;
  }

  /** Up to the end or the parenthesis that closes it: each branch must tell something. */
  alternatives(depth: number): string[] | undefined {
    if (depth > MAX_DEPTH) throw new GivenUp();
    const branches = [this.#sequence(depth)];
    while (this.#take('|')) branches.push(this.#sequence(depth));
    return branches.every((branch) => branch !== undefined) ? branches.flat() : undefined;
  }

  /** The best of what its parts demand: the one whose shortest text is longest. */
  #sequence(depth: number): string[] | undefined {
    let best: string[] | undefined;
    let run = '';
    const offer = (texts: string[] | undefined) => {
      if (texts && shortest(texts) > (best ? shortest(best) : 0)) best = texts;
    };
    const endRun = () => {
      offer([run]);
      run = '';
    };
    while (!this.isAtEnd && this.#peek() !== '|' && this.#peek() !== ')') {
      const part = this.#part(depth);
      const times = this.#repetition();
      if (typeof part === 'string' && times === 'once') run += part;
      else {
        if (typeof part === 'string' && times === 'more') run += part;
        endRun();
        if (typeof part !== 'string' && times !== 'perhaps') offer(part);
      }
    }
    endRun();
    return best;
  }

  /** A character that stands for itself, or what a group demands; undefined for anything else. */
  #part(depth: number): string | string[] | undefined {
    const character = this.#next();
    if (character === '(') return this.#group(depth);
    if (character === '[') return this.#skipClass();
    if (character === '\\') return this.#escaped();
    if ('.^$'.includes(character)) return undefined;
    if ('*+?'.includes(character)) throw new GivenUp();
    return character;
  }

  #group(depth: number): string[] | undefined {
    if (this.#take('?')) {
      // flags change what everything else means
      if (!this.#take(':')) throw new GivenUp();
    }
    const found = this.alternatives(depth + 1);
    if (!this.#take(')')) throw new GivenUp();
    return found;
  }

  #skipClass(): undefined {
    this.#take('^');
    this.#take(']'); // the first one stands for itself
    while (!this.#take(']')) {
      const character = this.#next();
      if (character === '[' && this.#peek() === ':') throw new GivenUp();
      if (character === '\\') this.#next();
    }
  }

  #escaped(): string | undefined {
    const character = this.#next();
    if (PUNCTUATION.test(character)) return character;
    if (CLASS_ESCAPES.includes(character)) return undefined;
    throw new GivenUp();
  }

  /** How often what was read last stands there. */
  #repetition(): 'once' | 'more' | 'perhaps' {
    const character = this.#peek();
    if (character === undefined || !'*+?{'.includes(character)) return 'once';
    this.#at += 1;
    if (character === '{') while (!this.#take('}')) this.#next();
    // as little as possible, and what would be an error
    while ('*+?{'.includes(this.#peek() ?? ' ')) {
      if (!this.#take('?')) throw new GivenUp();
    }
    return character === '+' ? 'more' : 'perhaps';
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw new GivenUp();
    return character;
  }

  #take(wanted: string): boolean {
    if (this.#peek() !== wanted) return false;
    this.#at += 1;
    return true;
  }
}

function shortest(texts: readonly string[]): number {
  return Math.min(...texts.map((text) => text.length));
}
