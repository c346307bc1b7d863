/** Describes where a program takes secrets in its arguments or its input. */

export interface SecretArguments {
  programs: readonly string[];
  /** Words that must follow the program, in this order, in lower case. */
  after?: readonly string[];
  /** Options whose value is a secret, attached or as the next word. */
  options?: readonly string[];
  /** Values are never attached to options. */
  isExact?: true;
  /** Options whose value holds a secret behind `separator`. */
  pairs?: readonly string[];
  /** Options whose value is a secret where it is attached; alone they ask for it. */
  attached?: readonly string[];
  /** Options whose value is a header, whose name says whether it is a secret. */
  headers?: readonly string[];
  /** Options that are named like a secret, and whose value is none. */
  harmless?: readonly string[];
  /** What follows its own options is another command. */
  isWrapper?: true;
  /** In the value of a pair, an argument or the input, in lower case: what is in front of the secret... */
  separator?: string;
  /** ...and behind it. */
  terminator?: string;
  /** Arguments that hold a secret: 0 is the first word after `after` that is no option. */
  positions?: readonly (number | 'last')[];
  /** Its input is a secret, or holds one behind `separator`: always, or with one of these options. */
  input?: 'always' | readonly string[];
  /** Command lines as they are typed, and what becomes of them. */
  examples: Readonly<Record<string, string>>;
}
