/** One line that a service logged. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

/** A logger that keeps what it is told. */
export function recordingLogger() {
  const log: LogLine[] = [];
  const at = (level: LogLine['level']) => (message: string) => {
    log.push({ level, message });
  };
  return { log, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}
