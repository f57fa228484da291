/** Every SELECT that a request can cause, by name, so that a test can look at the plan of each. */

export const QUERIES = {
  dataVersion: "PRAGMA data_version",
  repository: "SELECT id FROM repository WHERE name = ?",
  manifestByTag: `
    SELECT m.digest, m.media_type FROM repository r
    JOIN tag t ON t.repository = r.id AND t.name = ?
    JOIN manifest m ON m.repository = r.id AND m.digest = t.digest
    WHERE r.name = ?`,
  manifestByDigest: `
    SELECT m.digest, m.media_type FROM repository r
    JOIN manifest m ON m.repository = r.id AND m.digest = ?
    WHERE r.name = ?`,
  content: "SELECT bytes FROM content WHERE digest = ?",
  blob: `
    SELECT b.size, b.file, h.announced_at FROM repository r
    JOIN hold h ON h.repository = r.id AND h.digest = ?
    JOIN blob b ON b.digest = h.digest
    WHERE r.name = ?`,
  // Names and not ids decide the order, so the few holders of one blob are sorted.
  holders: `
    SELECT r.name FROM hold h JOIN repository r ON r.id = h.repository
    WHERE h.digest = ? ORDER BY r.name LIMIT ?`,
  tags: `
    SELECT t.name FROM repository r JOIN tag t ON t.repository = r.id AND t.name > ?
    WHERE r.name = ? ORDER BY t.name LIMIT ?`,
  repositories: `
    SELECT r.name FROM repository r
    WHERE r.name > ? AND EXISTS (SELECT 1 FROM manifest m WHERE m.repository = r.id)
    ORDER BY r.name LIMIT ?`,
  referrers: `
    SELECT m.digest, m.media_type, m.size, m.artifact_type, m.annotations FROM repository r
    JOIN manifest m ON m.repository = r.id AND m.subject = ? AND m.digest > ?
    WHERE r.name = ? ORDER BY m.digest LIMIT ?`,
  referrersOfType: `
    SELECT m.digest, m.media_type, m.size, m.artifact_type, m.annotations FROM repository r
    JOIN manifest m ON m.repository = r.id AND m.subject = ? AND m.artifact_type = ? AND m.digest > ?
    WHERE r.name = ? ORDER BY m.digest LIMIT ?`,
  upload: "SELECT algorithm, started_at FROM upload_session WHERE id = ? AND repository = ?",
  uploads: `
    SELECT id, repository, algorithm, started_at FROM upload_session
    WHERE id > ? AND started_at < ? ORDER BY id LIMIT ?`,
} as const;

export type QueryName = keyof typeof QUERIES;
