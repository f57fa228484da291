/** How slow the disk of these trials is. */

/** Bytes a second, of all HTTP threads together. */
export const SLOW_DISK = 5_000_000;

/** HTTP threads of the server on it. */
export const THREADS = 2;
