/** Sizes for people. */

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes as `990 bytes` or `1.5 GiB`: two digits behind the point at most, rounded down. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  let size = bytes / 1024;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Math.floor(size * 100) / 100} ${UNITS[unit]}`;
}
