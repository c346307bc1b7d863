/** Error class with the error codes of the protocol and the exit status of each. */

/** Error codes and their exit status (sysexits). Part of the protocol: never renamed, never reused. */
export const ERROR_CODES = {
  // input
  bad_utf8: 65,
  bad_json: 65,
  too_long: 65,
  too_deep: 65,
  bad_event: 65,
  bad_request: 65,
  unknown_op: 65,
  // the command or request
  usage: 64,
  not_found: 66,
  ambiguous: 64,
  bad_config: 78,
  // the service
  unavailable: 69,
  too_many: 75,
  disk_full: 75,
  journal_failed: 74,
  read_only: 74,
  protocol_mismatch: 76,
  no_permission: 77,
  internal: 70,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error on the wire and in `--json` output. */
export interface ErrorJson {
  code: ErrorCode;
  message: string;
  /** Line number within the connection or the file, counted from 1. */
  line?: number;
  /** The same request may succeed later. */
  retryable?: true;
}

export class ProgressError extends Error {
  override readonly name = 'ProgressError';
  readonly code: ErrorCode;
  readonly line: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; line?: number | undefined } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.line = options.line;
  }

  /** Whether the same request may succeed later: EX_TEMPFAIL, EX_UNAVAILABLE, and a failed journal, which retries. */
  get retryable(): boolean {
    return this.exitStatus === 75 || this.exitStatus === 69 || this.code === 'journal_failed';
  }

  /** Exit status of a command that fails with this error, see sysexits(3). */
  get exitStatus(): number {
    return ERROR_CODES[this.code];
  }

  toJSON(): ErrorJson {
    return {
      code: this.code,
      message: this.message,
      ...(this.line !== undefined && { line: this.line }),
      ...(this.retryable && { retryable: true as const }),
    };
  }

  static fromJSON(json: ErrorJson): ProgressError {
    const code = Object.hasOwn(ERROR_CODES, json.code) ? json.code : 'internal';
    return new ProgressError(code, json.message, { line: json.line });
  }

  /** Converts anything thrown to a ProgressError; an unknown error gets the code `internal` and becomes the cause. */
  static from(thrown: unknown): ProgressError {
    if (thrown instanceof ProgressError) return thrown;
    return new ProgressError('internal', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
  }
}

/** Returns the errno name of a system error (`ENOENT`...), or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
