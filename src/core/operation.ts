/** Operations: what a request asks for, in the vocabulary that policies, logs and metrics share. */
import type { Digest, DigestAlgorithm } from "./digest.ts";
import type { Reference } from "./reference.ts";
import type { RepositoryName } from "./repository_name.ts";
import type { Tag } from "./tag.ts";
import type { UploadSessionId } from "./upload_session_id.ts";

/** The page that a client asks for, as far as it said so. */
interface Listing {
  readonly n?: number;
  readonly last?: string;
}

/** What a client wants to do and to which content. `action` is the name that access policies see. */
export type Operation =
  | { readonly action: "get-api-version" }
  | { readonly action: "get-token" }
  | { readonly action: "metrics" }
  | { readonly action: "list-catalog" } & Listing
  | { readonly action: "list-tags"; readonly repository: RepositoryName } & Listing
  | {
    readonly action: "get-referrers";
    readonly repository: RepositoryName;
    readonly digest: Digest;
    readonly artifactType?: string;
    readonly last?: string;
  }
  | { readonly action: "get-manifest"; readonly repository: RepositoryName; readonly reference: Reference }
  | {
    readonly action: "put-manifest";
    readonly repository: RepositoryName;
    readonly reference: Reference;
    /** All tags that the push moves: the reference's own and each `?tag=`. */
    readonly tags: readonly Tag[];
  }
  | { readonly action: "delete-manifest"; readonly repository: RepositoryName; readonly reference: Reference }
  | { readonly action: "get-blob"; readonly repository: RepositoryName; readonly digest: Digest }
  | { readonly action: "delete-blob"; readonly repository: RepositoryName; readonly digest: Digest }
  | {
    readonly action: "start-upload";
    readonly repository: RepositoryName;
    readonly digest?: Digest;
    readonly digestAlgorithm?: DigestAlgorithm;
  }
  | {
    readonly action: "mount-blob";
    readonly repository: RepositoryName;
    readonly digest: Digest;
    readonly from?: RepositoryName;
  }
  | {
    readonly action: "get-upload" | "update-upload" | "cancel-upload";
    readonly repository: RepositoryName;
    readonly sessionId: UploadSessionId;
  }
  | {
    readonly action: "complete-upload";
    readonly repository: RepositoryName;
    readonly sessionId: UploadSessionId;
    readonly digest: Digest;
  }
  | { readonly action: "list-repositories" } & Listing
  | {
    readonly action: "list-namespaces" | "list-revisions" | "list-uploads";
    readonly repository: RepositoryName;
  } & Listing
  | { readonly action: "list-pulls"; readonly repository: RepositoryName; readonly reference: Reference }
  | {
    readonly action: "list-tag-history";
    readonly repository: RepositoryName;
    readonly reference: TagReference;
  } & Listing
  | {
    readonly action: "restore-tag";
    readonly repository: RepositoryName;
    readonly reference: TagReference;
    /** The one tag that moves. */
    readonly tags: readonly Tag[];
    readonly digest: Digest;
  };

type TagReference = Extract<Reference, { readonly kind: "tag" }>;

export type Action = Operation["action"];
