/** Upload session ids: random UUIDs, so that nobody can guess another client's session. */

/** A lower-case UUID; only {@linkcode makeUploadSessionId} and {@linkcode parseUploadSessionId} make one. */
export type UploadSessionId = string & { readonly __brand: "UploadSessionId" };

/** A new id with 122 random bits. */
export function makeUploadSessionId(): UploadSessionId {
  return crypto.randomUUID() as UploadSessionId;
}

/** Reads an id; undefined for anything else, which a client is told in the words for an unknown session. */
export function parseUploadSessionId(text: string): UploadSessionId | undefined {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
    ? text as UploadSessionId
    : undefined;
}
