/** What a thread may do before it is given something: nothing. */

export const NOTHING = {
  env: false,
  ffi: false,
  import: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
} as const;
