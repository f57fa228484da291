/** The checked configuration: plain data, so that it can be posted to the threads. */
import type { DailyWindow } from "../core/daily_window.ts";
import type { Platform } from "../core/index_platforms.ts";
import type { RemoteRepositoryName } from "../core/remote_repository_name.ts";
import type { SyncSchedule } from "../core/sync_schedule.ts";
import type { TagSelector } from "../core/tag_selector.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { PolicySource, RuleSource } from "../policy/rule_source.ts";
import type { Network } from "./parse_network.ts";

/** Times are milliseconds, sizes are bytes. */
export interface Settings {
  readonly server: ServerSettings;
  readonly blobStore: {
    readonly rootDir: string;
    /** 0 switches the check off. */
    readonly minimumFreeSpace: number;
    /** Holds every blob that is read whole against its digest. */
    readonly verifyOnRead: boolean;
    /** Bytes up to which the database keeps blobs; 0 for none. */
    readonly smallBlobLimit: number;
  };
  readonly global: {
    readonly maxManifestSize: number;
    readonly maxBlobSize: number;
    readonly allowMissingManifestReferences: boolean;
    readonly uploadExpiryMs: number;
    readonly tags: TagSettings;
    readonly retention: {
      readonly rules: readonly RuleSource[];
      /** 0 leaves it to the command. */
      readonly intervalMs: number;
      /** Of the tags, and of the manifests, that are judged. */
      readonly maxRemovalsPercent: number;
    };
    readonly tagHistoryMs: number;
    /** Absent where pulls are not written down. */
    readonly pullHistoryMs?: number;
    /** Absent where no file holds one: the policies of repositories then stand alone. */
    readonly accessPolicy?: PolicySource;
    /** Names one of `auth.webhooks`. */
    readonly authorizationWebhook?: string;
    /** Peers whose word on the address of the client counts; the address "unix" stands for those of unix sockets. */
    readonly trustedProxies: readonly Network[];
  };
  readonly collect: CollectSettings;
  readonly scrub: {
    /** 0 leaves scrubs to the command. */
    readonly intervalMs: number;
    /** Bytes a second; 0 for no limit. */
    readonly rate: number;
  };
  /** Absent where nothing is traced. */
  readonly tracing?: TracingSettings;
  readonly auth: AuthSettings;
  readonly repositories: readonly RepositorySettings[];
  /** What is copied from other registries at set times; no two have the same `to` and `from`. */
  readonly syncs: readonly SyncSettings[];
  /** Sentences for the log: nothing that stops a start. */
  readonly warnings: readonly string[];
}

export interface TracingSettings {
  /** Of a collector, without `/v1/traces` and a slash at the end. */
  readonly endpoint: string;
  /** Part of the requests that is traced, 0 to 1. */
  readonly samplingRate: number;
}

/** How garbage is collected. */
export interface CollectSettings {
  /** Whether the server does it by itself. */
  readonly enabled: boolean;
  readonly intervalMs: number;
  /** What was pushed or announced within this time stays. */
  readonly graceMs: number;
  /** In local time; at any time where it is absent. */
  readonly window?: DailyWindow;
}

/** Where to listen: TCP on an IP literal, where port 0 takes a free one, or a unix socket with the permissions `mode`. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string; readonly mode: number };

export interface ListenerSettings {
  /** Of its table below `[server.listener]`; empty for the one that `[server]` itself describes. */
  readonly name: string;
  readonly at: ListenAddress;
  readonly tls: boolean;
  readonly serves: "everything" | "metrics";
  /** True where it may do without encryption and policies only because nobody else can reach it. */
  readonly mustStayLocal: boolean;
}

export interface ServerSettings {
  /** At least one. */
  readonly listeners: readonly ListenerSettings[];
  /** Scheme, host and port that clients come to, without a slash at the end. */
  readonly externalUrl?: string;
  /** 0 stands for the number of cores. */
  readonly threads: number;
  readonly handshakeTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Bytes a second, judged over `bodyStallTimeoutMs`; 0 switches it off. */
  readonly minimumBodyRate: number;
  readonly bodyStallTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly maxConnections: number;
  readonly tls?: TlsSettings;
}

/** A certificate with its chain, and its private key: the texts, and the files that they come from. */
export interface KeyPairFiles {
  /** PEM blocks and nothing else, the certificate of the key first. */
  readonly certificate: string;
  /** One PEM block: PKCS#8, PKCS#1 or SEC1, as the file has it. */
  readonly privateKey: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

/** CAs to trust. */
export interface CertificateFile {
  /** PEM blocks and nothing else, at least one. */
  readonly pem: string;
  readonly file: string;
}

export interface TlsSettings extends KeyPairFiles {
  readonly minimumVersion: "1.2" | "1.3";
  /** Absent where no client is asked for a certificate. */
  readonly clientAuth?: ClientAuthSettings;
}

export interface ClientAuthSettings {
  /** PEM blocks of the CAs and nothing else, at least one; that they are CAs is not checked yet. */
  readonly caBundle: string;
  readonly caBundleFile: string;
  /** True refuses clients without a certificate. */
  readonly required: boolean;
  /** Content of `crlFiles`, one each: PEM with one or more CRLs, or DER. Without any, nothing is checked for revocation. */
  readonly crls: readonly Uint8Array[];
  readonly crlFiles: readonly string[];
  /** What becomes of a certificate whose issuer has no CRL. */
  readonly crlMissing: "deny" | "allow";
  readonly crlExpired: "deny" | "warn";
  /** True sends the names of the CAs in the handshake. */
  readonly advertiseCas: boolean;
}

/** Which tags keep the manifest that they were pushed with. */
export interface TagSettings {
  readonly immutable: boolean;
  /** Patterns in RE2 syntax of whole tags that may move all the same. */
  readonly exclusions: readonly string[];
  readonly allowDelete: boolean;
}

/** No limit where one is absent. */
export interface QuotaSettings {
  readonly bytes?: number;
  readonly manifests?: number;
  readonly tags?: number;
}

export interface RepositorySettings {
  readonly name: RepositoryName;
  /** With what [global] says of tags. */
  readonly tags: TagSettings;
  /** Beside the global ones. */
  readonly retentionRules: readonly RuleSource[];
  /** For the repository and, each for itself, for those below it. */
  readonly quota: QuotaSettings;
  /** Narrows the global policy, or stands alone where there is none. */
  readonly accessPolicy?: PolicySource;
  /** The webhook that holds here, the global one where the repository names none; absent also where it is switched off. */
  readonly authorizationWebhook?: string;
  /** `host[:port]` in lower case: what `?ns=` says to mean this repository. No two have the same. */
  readonly namespace?: string;
  /** Names that no other settings cover mean repositories below this one. True of one at most. */
  readonly unprefixed: boolean;
  /** Absent where content is pushed. */
  readonly mirror?: MirrorSettings;
}

/** A repository whose content comes from elsewhere. */
export interface MirrorSettings {
  /** At least one, in the order in which they are asked. */
  readonly upstreams: readonly UpstreamSettings[];
  /** 0 asks each time, Infinity never again. */
  readonly revalidateAfterMs: number;
  readonly onUpstreamError: "serve-stale" | "fail";
  readonly onUpstreamNotFound: "serve-stale" | "fail";
  readonly offline: boolean;
}

export interface UpstreamSettings {
  /** `http[s]://host[:port][/path]`, no credentials, no query, no slash at its end. */
  readonly url: string;
  readonly credential?: { readonly username: string; readonly password: string };
  /** Trusted beside the CAs of the system. */
  readonly serverCa?: CertificateFile;
  readonly clientCertificate?: KeyPairFiles;
  readonly maxRedirects: number;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly allowedAddresses: readonly Network[];
  /** `host` or `host:port`, in lower case. */
  readonly tokenRealms: readonly string[];
}

/** Content of another registry that is copied on purpose. */
export interface SyncSettings {
  readonly from: RemoteRepositoryName;
  readonly to: RepositoryName;
  /** At least one. */
  readonly tags: readonly TagSelector[];
  /** None stands for all. */
  readonly platforms: readonly Platform[];
  readonly referrers: boolean;
  readonly schedule: SyncSchedule;
  /** How the registry of `from` is reached; absent where the table does not say. */
  readonly upstream?: UpstreamSettings;
}

export interface AuthSettings {
  /** No two with one id or user name. */
  readonly identities: readonly IdentitySettings[];
  readonly tokenService?: TokenServiceSettings;
  readonly webhooks: readonly WebhookSettings[];
}

export interface IdentitySettings {
  readonly id: string;
  readonly username: string;
  /** Argon2 in PHC form. */
  readonly passwordHash: string;
}

export interface TokenServiceSettings {
  /** At least 32 bytes. */
  readonly key: Uint8Array;
  readonly lifetimeSeconds: number;
  /** URL for the challenge; derived from each request where absent. */
  readonly realm?: string;
}

export type WebhookCredential =
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "basic"; readonly username: string; readonly password: string };

export interface WebhookSettings {
  readonly name: string;
  /** Absolute, http or https, without credentials. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly credential?: WebhookCredential;
  readonly clientCertificate?: KeyPairFiles;
  /** Trusted instead of the CAs of the system. */
  readonly serverCa?: CertificateFile;
  /** Lower case, each once. */
  readonly forwardHeaders: readonly string[];
  /** 0 remembers no answer. */
  readonly cacheTtlMs: number;
}
