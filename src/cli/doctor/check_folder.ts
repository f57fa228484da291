/** Looks at the data directory: that it is this user's, that nobody else reads it, and that files can be made in it. */
import { dirname, resolve } from "node:path";
import type { Layout } from "../../storage/files/layout.ts";
import { statIfThere } from "../../storage/files/stat_if_there.ts";
import { type Finding, odd, well, wrong } from "./finding.ts";
import { withProbe } from "./probe_file.ts";

const CHECK = "data directory";

/** Mode bits of everybody but the owner. */
const FOR_OTHERS = 0o077;

/** The folder that is there: the data directory, or where the server would make it. */
export async function findFolder(rootDir: string): Promise<string> {
  let folder = resolve(rootDir);
  while (await statIfThere(folder) === undefined && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** @param folder as {@linkcode findFolder} gives it */
export async function checkFolder(layout: Layout, folder: string): Promise<readonly Finding[]> {
  const root = await Deno.stat(folder);
  const isThere = folder === resolve(layout.rootDir);
  if (!root.isDirectory) {
    return [wrong(CHECK, `${folder} is no directory`, "Name another one in blob_store.fs.root_dir")];
  }
  const user = await userOf(folder);
  if (typeof user === "string") {
    return [
      wrong(
        CHECK,
        `cannot make a file in ${folder}: ${user}`,
        "Give the folder to the server's user (chown), and run this as that user",
      ),
    ];
  }
  if (!isThere) return [well(CHECK, `${layout.rootDir} is not there yet; the server makes it`)];
  const findings = await foreignFiles(layout, root.uid);
  if (user !== root.uid) {
    findings.push(
      odd(
        CHECK,
        `${folder} belongs to user ${root.uid}, and this runs as user ${user}: what is said of permissions is not the server's view`,
        "Run it as the server's user, such as: sudo -u simple-registry simple-registry doctor",
      ),
    );
  }
  if (root.mode !== null && (root.mode & FOR_OTHERS) !== 0) {
    findings.push(odd(CHECK, `other users may look into ${folder}`, `chmod 0700 ${folder}`));
  }
  return findings.length > 0 ? findings : [well(CHECK, `${folder}, for user ${user} only`)];
}

/** What a start by another user, often root, has left behind: the server's user cannot write to it. */
async function foreignFiles(layout: Layout, owner: number | null): Promise<Finding[]> {
  for (const path of [layout.database, `${layout.database}-wal`, layout.lock, layout.blobs, layout.uploads]) {
    const uid = (await statIfThere(path))?.uid;
    if (uid === undefined || uid === owner) continue;
    const message = `${path} belongs to user ${uid}, and its folder to user ${owner}`;
    return [wrong(CHECK, message, `chown -R ${owner} ${layout.rootDir}`)];
  }
  return [];
}

/** The user that files of this process belong to, or why it can make none. */
async function userOf(folder: string): Promise<number | null | string> {
  try {
    return await withProbe(folder, async (probe) => (await probe.stat()).uid);
  } catch (error) {
    return (error as Error).message;
  }
}
