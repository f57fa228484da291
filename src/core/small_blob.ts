/** What passes for a small blob: it is at hand as a whole wherever it is read. */

/** Bytes of the largest one. Whether the database keeps it is a setting, up to this size. */
export const LARGEST_SMALL_BLOB = 64 * 1024;
