/**
 * Structured logs, one JSON object per line, written by `pino`. They say what happened to whom; never a value, a token or
 * an address of content, so that a log can be handed to somebody else: fields are plain words and numbers, and nothing is
 * logged as it came.
 */
import { destination, pino, stdTimeFunctions, type DestinationStream } from 'pino';

/** `error`: someone must look. `info`: state changed. `debug`: the rest. */
export interface Logger {
  error(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;
export type LogLevel = 'error' | 'info' | 'debug' | 'silent';

export function createLogger(level: LogLevel, write?: (line: string) => void): Logger {
  const logger = pino(
    { level, base: null, messageKey: 'event', timestamp: stdTimeFunctions.isoTime, formatters: { level: levelField } },
    write ? { write } : standardError(),
  );
  return {
    error: (event, fields) => logger.error(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    debug: (event, fields) => logger.debug(fields ?? {}, event),
  };
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

function levelField(level: string): { readonly level: string } {
  return { level };
}

/** At once, so that the last words of a process are there. That nobody takes the lines ends no server: they are lost. */
function standardError(): DestinationStream {
  return destination({ fd: process.stderr.fd, sync: true }).on('error', () => undefined);
}
