/** Why a file could not be used, in words for people. */

/** How the runtime begins when a path leads to where it lets programs do nothing short of everything. */
const FORBIDDEN = "Requires all access";

const FORBIDDEN_PLACE = /^\/(dev|proc|sys)(\/|$)/;

/** @param path absolute and without links, of a file or folder that the runtime keeps from programs */
export function isForbiddenPlace(path: string): boolean {
  return FORBIDDEN_PLACE.test(path);
}

/** What there is to say of such a path. */
export const NOT_THERE = "the runtime lets no program use files in /dev, /proc and /sys: take another folder";

/** The message of an error of the file system; where the runtime advises a flag that no command line here takes, what helps. */
export function fileReasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.startsWith(FORBIDDEN) ? NOT_THERE : message;
}
