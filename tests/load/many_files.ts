/** Writes a data directory of many small blobs directly, files and rows. */
import { hash } from "node:crypto";
import type { Digest } from "../../src/core/digest.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf, Layout } from "../../src/storage/files/layout.ts";
import { changeDatabase } from "../faults/damage.ts";
import { randomBytes } from "../model/bytes.ts";

export interface ManyFiles {
  readonly count: number;
  /** Bytes of each. */
  readonly size: number;
}

/** The repository that holds all of them. */
export const REPOSITORY = "many";

/** Puts the blobs into a data directory that no server uses; gives their digests. */
export function writeManyFiles(rootDir: string, { count, size }: ManyFiles): readonly Digest[] {
  const layout = new Layout(rootDir);
  const session = makeUploadSessionId();
  const bytes = randomBytes(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const digests: Digest[] = [];
  for (let n = 0; n < count; n++) {
    view.setUint32(0, n);
    const digest = `sha256:${hash("sha256", bytes)}` as Digest;
    Deno.writeFileSync(layout.blob(blobFileOf(digest, session)), bytes);
    digests.push(digest);
  }
  changeDatabase(rootDir, (database) => {
    database.exec("PRAGMA synchronous = OFF; BEGIN");
    const now = Date.now();
    database.prepare("INSERT INTO repository (id, name, created_at) VALUES (1, ?, ?)").run(REPOSITORY, now);
    const blob = database.prepare("INSERT INTO blob (digest, size, file, created_at) VALUES (?, ?, ?, ?)");
    const hold = database.prepare("INSERT INTO hold (repository, digest, announced_at) VALUES (1, ?, ?)");
    for (const digest of digests.toSorted()) {
      blob.run(digest, size, blobFileOf(digest, session), now);
      hold.run(digest, now);
    }
    database.exec("COMMIT");
  });
  return digests;
}
