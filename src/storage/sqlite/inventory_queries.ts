/** Every SELECT of the inventory, by name, so that a test can look at the plan of each; as in `queries.ts`. */

const REPOSITORY = "(SELECT id FROM repository WHERE name = ?1)";

export const INVENTORY_QUERIES = {
  repositoryFacts: `
    SELECT name, blob_bytes, manifest_bytes, blobs, manifests, tags FROM repository
    WHERE name > ?1 ORDER BY name LIMIT ?2`,
  totals: "SELECT repositories, manifests, tags, blobs, blob_bytes, uploads FROM total WHERE id = 1",
  tagFacts: `
    SELECT name, digest, pushed_at, pulled_at, pull_count FROM tag
    WHERE repository = ${REPOSITORY} AND name > ?2 ORDER BY name LIMIT ?3`,
  manifestFacts: `
    SELECT digest, media_type, artifact_type, size, subject, annotations, pushed_at, pulled_at, pull_count FROM manifest
    WHERE repository = ${REPOSITORY} AND digest > ?2 ORDER BY digest LIMIT ?3`,
  children: `
    SELECT digest FROM manifest_reference WHERE repository = ${REPOSITORY} AND manifest = ?2 AND kind = 'child'`,
  parents: `
    SELECT manifest FROM manifest_reference INDEXED BY manifest_reference_by_target
    WHERE repository = ${REPOSITORY} AND digest = ?2 AND kind = 'child' LIMIT ?3`,
  restorable: `
    SELECT DISTINCT previous FROM tag_history INDEXED BY tag_history_by_previous
    WHERE repository = ${REPOSITORY} AND previous > ?3 AND at >= ?2 ORDER BY previous LIMIT ?4`,
  // UNION, so that a content that is reached twice counts once, and a walk ends.
  contentSize: `
    WITH RECURSIVE reached (digest) AS (
      SELECT ?2
      UNION SELECT r.digest FROM reached CROSS JOIN manifest_reference r
        ON r.repository = ${REPOSITORY} AND r.manifest = reached.digest
    )
    SELECT coalesce(sum(coalesce(
      (SELECT size FROM manifest m WHERE m.repository = ${REPOSITORY} AND m.digest = reached.digest),
      (SELECT b.size FROM hold h CROSS JOIN blob b ON b.digest = h.digest
        WHERE h.repository = ${REPOSITORY} AND h.digest = reached.digest)
    )), 0) AS size FROM reached`,
  uploadsOf: `
    SELECT id, algorithm, started_at, owner, has_file FROM upload_session INDEXED BY upload_session_of_repository
    WHERE repository = ?1 AND id > ?2 ORDER BY id LIMIT ?3`,
  pullsOfTag: `
    SELECT client, tag, digest, at FROM pull INDEXED BY pull_of_tag
    WHERE repository = ${REPOSITORY} AND tag = ?2 ORDER BY at DESC LIMIT ?3`,
  pullsOfManifest: `
    SELECT client, tag, digest, at FROM pull INDEXED BY pull_of_manifest
    WHERE repository = ${REPOSITORY} AND digest = ?2 ORDER BY at DESC LIMIT ?3`,
} as const;
