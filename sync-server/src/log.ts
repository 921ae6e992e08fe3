/**
 * Structured logs, one JSON object per line. They say what happened to whom; never a value, a token or an address of
 * content, so that a log can be handed to somebody else.
 */

/** `error`: someone must look. `info`: state changed. `debug`: the rest. */
export interface Logger {
  error(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;
export type LogLevel = 'error' | 'info' | 'debug' | 'silent';

const RANK: Readonly<Record<LogLevel, number>> = { silent: 0, error: 1, info: 2, debug: 3 };

export function createLogger(level: LogLevel, write: (line: string) => void = writeToStderr): Logger {
  const at = (own: LogLevel) => (event: string, fields?: LogFields) => {
    if (RANK[own] > RANK[level]) return;
    write(`${JSON.stringify({ time: new Date().toISOString(), level: own, event, ...fields })}\n`);
  };
  return { error: at('error'), info: at('info'), debug: at('debug') };
}

/** Name and code of a failure, with its message only when it is one of ours: others may quote what they failed on. */
export function failureFields(failure: unknown): LogFields {
  if (!(failure instanceof Error)) return { failure: typeof failure };
  const code = 'code' in failure && typeof failure.code === 'string' ? failure.code : null;
  const isOurs = failure.name === 'SkerryError' || failure.name === 'StorageError';
  return { failure: failure.name, code, ...(isOurs ? { message: failure.message } : { at: placeOf(failure) }) };
}

/** The innermost frame of the stack: where, not what. */
function placeOf(failure: Error): string {
  return (
    failure.stack
      ?.split('\n')
      .find((line) => line.trimStart().startsWith('at '))
      ?.trim() ?? ''
  );
}

function writeToStderr(line: string): void {
  process.stderr.write(line);
}
