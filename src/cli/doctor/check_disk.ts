/** Looks at the disk under the data directory: room, its kind, and whether it writes when it is told to. */
import { statfs } from "node:fs/promises";
import { formatSize } from "../../core/format_size.ts";
import { type Finding, odd, well, wrong } from "./finding.ts";
import { withProbe } from "./probe_file.ts";

/** File systems (statfs(2), f_type) on which a registry's content is not safe, and why. */
const UNSAFE_KINDS: ReadonlyMap<number, string> = new Map([
  [0x01021994, "tmpfs, which is memory: everything is gone after a restart of the machine"],
  [0x858458f6, "ramfs, which is memory: everything is gone after a restart of the machine"],
  [0x794c7630, "overlayfs, the changing layer of a container: everything goes with the container"],
  [0x6969, "NFS, on which locks and the shared memory of the database do not hold between machines"],
  [0xff534d42, "CIFS, on which locks and the shared memory of the database do not hold between machines"],
  [0xfe534d42, "SMB, on which locks and the shared memory of the database do not hold between machines"],
]);

/** ms; no disk, not even one with a battery, writes a block for good in less. */
const FASTEST_SYNC_MS = 0.02;

/** ms; a push waits for several of them. */
const SLOW_SYNC_MS = 100;

const SYNCS = 20;

/** Part of the inodes that is left when it is told. */
const FEW_INODES = 0.02;

/** @param folder one that is there; files can be made in it */
export async function checkDisk(folder: string, minimumFreeSpace: number): Promise<readonly Finding[]> {
  const { bavail, blocks, bsize, files, ffree, type } = await statfs(folder);
  return [
    checkRoom({ free: bavail * bsize, size: blocks * bsize, minimumFreeSpace }),
    ...checkInodes(files, ffree),
    ...checkKind(folder, type),
    checkSync(await timeSync(folder)),
  ];
}

export interface Room {
  /** Bytes. */
  readonly free: number;
  readonly size: number;
  readonly minimumFreeSpace: number;
}

export function checkRoom({ free, size, minimumFreeSpace }: Room): Finding {
  const message = `${formatSize(free)} of ${formatSize(size)} are free`;
  const kept = `blob_store.fs.minimum_free_space = ${formatSize(minimumFreeSpace)}`;
  if (free < minimumFreeSpace) {
    return wrong(
      "disk space",
      `${message}, less than ${kept}: pushes are refused`,
      "Delete content (see retention, collect), or enlarge the disk",
    );
  }
  if (free < 2 * minimumFreeSpace || free < 0.05 * size) {
    return odd(
      "disk space",
      `${message}, and pushes are refused below ${kept}`,
      "Delete content (see retention, collect), or enlarge the disk",
    );
  }
  return well("disk space", `${message}, ${kept}`);
}

/** Nothing where the file system has as many as it needs and counts none. */
export function checkInodes(files: number, free: number): readonly Finding[] {
  if (files === 0 || free > files * FEW_INODES) return [];
  const message = `${free} of ${files} inodes are free, and each blob takes one`;
  return [
    (free === 0 ? wrong : odd)("inodes", message, "Delete content, or make the file system with more inodes"),
  ];
}

function checkKind(folder: string, type: number): readonly Finding[] {
  const kind = UNSAFE_KINDS.get(type);
  if (kind === undefined) return [];
  return [
    odd("file system", `${folder} is on ${kind}`, "Keep blob_store.fs.root_dir on a disk of this machine"),
  ];
}

/** @param ms the median time that a block of 4 KiB took to be on the disk */
export function checkSync(ms: number): Finding {
  const shown = ms < 1 ? `${Math.round(ms * 1000)} µs` : `${Math.round(ms)} ms`;
  const message = `a block is said to be on the disk after ${shown}`;
  if (ms < FASTEST_SYNC_MS) {
    return odd(
      "fsync",
      `${message}, faster than any disk: a power cut may take acknowledged pushes`,
      "Use a file system and a disk that sync (no eatmydata, no tmpfs, no write cache of a hypervisor)",
    );
  }
  if (ms > SLOW_SYNC_MS) return odd("fsync", `${message}: each push waits for it`, "Use a faster disk");
  return well("fsync", message);
}

async function timeSync(folder: string): Promise<number> {
  return await withProbe(folder, async (file) => {
    const block = crypto.getRandomValues(new Uint8Array(4096));
    const times: number[] = [];
    for (let i = 0; i < SYNCS; i++) {
      await file.write(block);
      // Without waiting for the runtime's threads, which would be counted as the disk's time.
      const start = performance.now();
      file.syncDataSync();
      times.push(performance.now() - start);
    }
    return times.toSorted((a, b) => a - b)[SYNCS / 2]!;
  });
}
