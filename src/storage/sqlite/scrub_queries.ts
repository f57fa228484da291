/** Every SELECT of a scrub, by name, so that a test can look at the plan of each. */
import { SMALL_BLOB_QUERIES } from "./sqlite_small_blobs.ts";

/** Users of one blob or manifest that are named. */
export const MOST_USERS = 20;

const ID = "(SELECT id FROM repository WHERE name = ?1)";

/** Walk through a table once, on a connection that answers no requests. */
export const SCRUB_COUNTS = {
  countBlobs: "SELECT count(*) AS blobs, coalesce(sum(size), 0) AS bytes FROM blob",
  countContents: "SELECT count(*) AS manifests FROM content",
} as const;

export const SCRUB_QUERIES = {
  blobs: "SELECT digest, size, file FROM blob WHERE digest > ?1 ORDER BY digest LIMIT ?2",
  blob: "SELECT digest, size, file FROM blob WHERE digest = ?1",
  smallBlob: SMALL_BLOB_QUERIES.smallBlob,
  contents: "SELECT digest FROM content WHERE digest > ?1 ORDER BY digest LIMIT ?2",
  content: "SELECT bytes FROM content WHERE digest = ?1",
  holders: `
    SELECT (SELECT name FROM repository WHERE id = hold.repository) AS name FROM hold
    WHERE digest = ?1 ORDER BY repository LIMIT ${MOST_USERS}`,
  manifestHolders: `
    SELECT (SELECT name FROM repository WHERE id = manifest.repository) AS name FROM manifest
    INDEXED BY manifest_by_digest WHERE digest = ?1 LIMIT ${MOST_USERS}`,
  // Asked for each holder, since the index begins with the repository.
  referencing: `
    SELECT manifest FROM manifest_reference INDEXED BY manifest_reference_by_target
    WHERE repository = ${ID} AND digest = ?2 LIMIT ${MOST_USERS}`,
  repositories: "SELECT name FROM repository WHERE name > ?1 ORDER BY name LIMIT ?2",
  looseReferences: `
    SELECT manifest, digest FROM manifest_reference r
    WHERE repository = ${ID} AND kind IN ('config', 'layer')
      AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.repository = r.repository AND h.digest = r.digest)
    LIMIT ?2`,
  looseTags: `
    SELECT name, digest FROM tag t
    WHERE repository = ${ID}
      AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.repository = t.repository AND m.digest = t.digest)
    LIMIT ?2`,
  looseManifests: `
    SELECT digest FROM manifest m
    WHERE repository = ${ID} AND NOT EXISTS (SELECT 1 FROM content c WHERE c.digest = m.digest)
    LIMIT ?2`,
  looseHolds: `
    SELECT digest FROM hold h
    WHERE repository = ${ID} AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = h.digest)
    LIMIT ?2`,
  // One statement, so one moment: a finish takes the session's row away with the same commit that names the file.
  unknownFiles: `
    SELECT value ->> 'file' AS file FROM json_each(?1)
    WHERE NOT EXISTS (
        SELECT 1 FROM blob WHERE digest = value ->> 'digest' AND blob.file = value ->> 'file')
      AND NOT EXISTS (SELECT 1 FROM upload_session WHERE id = value ->> 'session')`,
  unknownUploads: `
    SELECT value AS id FROM json_each(?1)
    WHERE NOT EXISTS (SELECT 1 FROM upload_session WHERE upload_session.id = value)`,
} as const;
