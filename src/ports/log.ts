/** Where the program says what it does. One call is one structured line. */

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** A fault. `fields.error` may be an Error; its stack and causes go into the line. */
  error(message: string, fields?: LogFields): void;
}
