/**
 * What the engine writes beside a job when it hands it back: enough for the next worker to tell failures from crashes,
 * and for a person to see why a job is dead.
 *
 * `attempts` of the store counts hand-outs. Those that ended in a `retry` are `failures`; whatever else was handed out
 * and never settled was a crash.
 */
export interface Note {
  /** Attempts that ended with an error. */
  readonly failures: number;
  /** Crashes that already had their backoff. */
  readonly crashes: number;
  /** The last error, if there was one. */
  readonly error?: RecordedError;
  /** When this was written, ISO 8601, by the worker's clock. */
  readonly at?: string;
  /** Attempts made; on dead letters. */
  readonly attempts?: number;
}

export interface RecordedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

/** What the adapter contract allows, in bytes of UTF-8. */
const MAX_NOTE_BYTES = 8 * 1024;
const MAX_STACK_CHARACTERS = 2000;
/** Each character can take six bytes once JSON has escaped it, and name and code need room too. */
const SAFE_MESSAGE_CHARACTERS = 1000;

const BLANK: Note = { failures: 0, crashes: 0 };

export function encodeNote(note: Note): string {
  const text = JSON.stringify(note);
  if (Buffer.byteLength(text) <= MAX_NOTE_BYTES || note.error === undefined) return text;
  const { name, message, code } = note.error;
  return JSON.stringify({
    ...note,
    error: {
      name: name.slice(0, 100),
      message: message.slice(0, SAFE_MESSAGE_CHARACTERS),
      ...(code !== undefined && { code: code.slice(0, 100) }),
    },
  });
}

/** Reads a note back. Anything unreadable counts as blank: a job must not be lost over its margin. */
export function decodeNote(text: string | undefined): Note {
  if (text === undefined || text === '') return BLANK;
  try {
    const { error, ...note } = JSON.parse(text) as Note;
    if (!isCount(note.failures) || !isCount(note.crashes)) return BLANK;
    return isRecordedError(error) ? { ...note, error } : note;
  } catch {
    return BLANK;
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecordedError(error: Partial<RecordedError> | null | undefined): error is RecordedError {
  return typeof error?.name === 'string' && typeof error.message === 'string';
}

/** Takes what `toError` returns: its name and message can be read. */
export function recordError(error: Error): RecordedError {
  const recorded = { name: error.name, message: error.message.slice(0, MAX_NOTE_BYTES) };
  try {
    const { stack } = error;
    return { ...recorded, ...codeOf(error), ...(typeof stack === 'string' && { stack: start(stack) }) };
  } catch {
    // A getter of somebody else's threw.
    return recorded;
  }
}

function start(stack: string): string {
  return stack.slice(0, MAX_STACK_CHARACTERS);
}

function codeOf(error: Error): { code?: string } {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {};
}

/** The recorded error as an Error again, for `dlqHandler` and as a `cause`. */
export function reviveError(recorded: RecordedError): Error {
  const error = new Error(recorded.message);
  error.name = recorded.name;
  if (recorded.stack !== undefined) error.stack = recorded.stack;
  if (recorded.code !== undefined) Object.assign(error, { code: recorded.code });
  return error;
}
