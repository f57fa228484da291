/** Time, so that a test can own it. */

export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when somebody sets the machine's clock. */
  now(): number;
}
