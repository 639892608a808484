/** What the daemon needs of a logger; `pino` has it. Fields are picked by hand: never a PIN, an APDU body or a Buffer. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For tests and tools that want silence. */
export const silentLog: Log = { debug: drop, info: drop, warn: drop, error: drop };

function drop(): void {
  // a log that nobody reads
}
