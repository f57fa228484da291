/** What the system and SQLite say of a disk that is full or broken, as the answer for it. */
import { OciError } from "../../core/oci_error.ts";

interface ReportedFault {
  readonly code?: string;
  readonly message?: string;
  /** SQLite's code, the lower eight bits of which tell the kind. */
  readonly errcode?: number;
}

/** Codes of the system by their numbers on Linux: some errors tell only those. */
const NO_ROOM = { ENOSPC: 28, EDQUOT: 122 };

/** The device, the file system, or the way there does not work, or takes nothing any more. */
const BROKEN = {
  EIO: 5,
  ENXIO: 6,
  ENODEV: 19,
  EROFS: 30,
  EBADMSG: 74,
  ENOTCONN: 107,
  ESTALE: 116,
  EUCLEAN: 117,
  EREMOTEIO: 121,
};

const TOO_MANY_FILES = { ENFILE: 23, EMFILE: 24 };

/** SQLite's code for "database or disk is full". */
export const SQLITE_FULL = 13;

/** SQLite's code for reads, writes and syncs that fail, in the lower eight bits. */
export const SQLITE_IOERR = 10;

/** SQLite's codes for a database that cannot be written, read or opened, is damaged, or is none. */
const SQLITE_BROKEN: readonly number[] = [8, SQLITE_IOERR, 14, 11, 26];

/** SQLite's code for a lock that others do not give back, in the lower eight bits: one of their transactions is open. */
const SQLITE_BUSY = 5;

/** Turns what the system says of a disk into the answer for it; passes everything else on. */
export function explainDiskFault(fault: unknown): unknown {
  const { message, errcode } = (fault ?? {}) as ReportedFault;
  if (errcode === SQLITE_FULL || isOneOf(NO_ROOM, fault)) return diskIsFull(fault);
  if (isOneOf(BROKEN, fault) || (errcode !== undefined && SQLITE_BROKEN.includes(errcode & 0xff))) {
    const what = errcode === undefined ? `${message}` : `${message} (SQLite ${errcode})`;
    return new OciError("STORAGE_UNAVAILABLE", { message: `Cannot use the disk: ${what}`, cause: fault });
  }
  if (errcode !== undefined && (errcode & 0xff) === SQLITE_BUSY) {
    return new OciError("UNAVAILABLE", {
      message: "Cannot write to the database: another program keeps it locked. Let that end its transaction",
      cause: fault,
    });
  }
  if (isOneOf(TOO_MANY_FILES, fault)) {
    return new OciError("UNAVAILABLE", {
      message: `Cannot open a file: ${message}. Raise the limit of open files (LimitNOFILE= of systemd)`,
      cause: fault,
    });
  }
  return fault;
}

/** What a client reads whose content finds no room. */
export function diskIsFull(cause?: unknown): OciError {
  return new OciError("INSUFFICIENT_STORAGE", {
    message: "Cannot take more content: the disk is full. Delete content or enlarge the disk",
    cause,
  });
}

function isOneOf(codes: Readonly<Record<string, number>>, fault: unknown): boolean {
  const { code, message } = (fault ?? {}) as ReportedFault;
  if (typeof code === "string" && Object.hasOwn(codes, code)) return true;
  const number = /os error (\d+)\b/.exec(`${message}`)?.[1];
  return number !== undefined && Object.values(codes).includes(Number(number));
}
