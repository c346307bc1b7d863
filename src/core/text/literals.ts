/** Extracts literals that every match of an RE2 pattern contains, as a cheap pre-filter before matching. */

/** Maximum nesting of groups. */
const MAX_GROUP_DEPTH = 10;
/** Escapes for character classes and assertions. Any other escape that is not punctuation is not analysed. */
const CLASS_ESCAPES = 'dDwWsSbBAz';
const PUNCTUATION = /^[!-/:-@[-`{-~]$/;

/** Returns texts of which every match contains at least one; undefined if no such texts are known. */
export function requiredTexts(pattern: string): string[] | undefined {
  try {
    const reader = new Reader(Array.from(pattern));
    const found = reader.alternatives(0);
    return reader.isAtEnd ? found : undefined;
  } catch (error) {
    if (error instanceof UnsupportedSyntax) return undefined;
    throw error;
  }
}

/** Thrown at syntax that is not analysed. */
class UnsupportedSyntax extends Error {}

/** Recursive descent parser of a pattern. */
class Reader {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(characters: readonly string[]) {
    this.#characters = characters;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#characters.length;
  }

  /** Parses alternatives up to the end or the closing parenthesis: each must contain a literal. */
  alternatives(depth: number): string[] | undefined {
    if (depth > MAX_GROUP_DEPTH) throw new UnsupportedSyntax();
    const branches = [this.#sequence(depth)];
    while (this.#take('|')) branches.push(this.#sequence(depth));
    return branches.every((branch) => branch !== undefined) ? branches.flat() : undefined;
  }

  /** Parses a sequence and returns the best literals of its parts: those whose shortest text is longest. */
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
      const repeated = this.#repetition();
      if (typeof part === 'string' && repeated === 'once') run += part;
      else {
        if (typeof part === 'string' && repeated === 'more') run += part;
        endRun();
        if (typeof part !== 'string' && repeated !== 'optional') offer(part);
      }
    }
    endRun();
    return best;
  }

  /** Parses one atom: returns a literal character, or the literals of a group; undefined for anything else. */
  #part(depth: number): string | string[] | undefined {
    const character = this.#next();
    if (character === '(') return this.#group(depth);
    if (character === '[') return this.#skipClass();
    if (character === '\\') return this.#escaped();
    if ('.^$'.includes(character)) return undefined;
    if ('*+?'.includes(character)) throw new UnsupportedSyntax();
    return character;
  }

  #group(depth: number): string[] | undefined {
    if (this.#take('?')) {
      // flags change what everything else means
      if (!this.#take(':')) throw new UnsupportedSyntax();
    }
    const found = this.alternatives(depth + 1);
    if (!this.#take(')')) throw new UnsupportedSyntax();
    return found;
  }

  #skipClass(): undefined {
    this.#take('^');
    this.#take(']'); // literal in the first position
    while (!this.#take(']')) {
      const character = this.#next();
      if (character === '[' && this.#peek() === ':') throw new UnsupportedSyntax();
      if (character === '\\') this.#next();
    }
  }

  #escaped(): string | undefined {
    const character = this.#next();
    if (PUNCTUATION.test(character)) return character;
    if (CLASS_ESCAPES.includes(character)) return undefined;
    throw new UnsupportedSyntax();
  }

  /** Parses the quantifier of the last atom. */
  #repetition(): 'once' | 'more' | 'optional' {
    const character = this.#peek();
    if (character === undefined || !'*+?{'.includes(character)) return 'once';
    this.#at += 1;
    if (character === '{') while (!this.#take('}')) this.#next();
    // accept a lazy quantifier; a second quantifier would be an error
    while ('*+?{'.includes(this.#peek() ?? ' ')) {
      if (!this.#take('?')) throw new UnsupportedSyntax();
    }
    return character === '+' ? 'more' : 'optional';
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw new UnsupportedSyntax();
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
