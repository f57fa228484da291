/** The checked configuration: plain data, so that it can be posted to the threads. */
import type { RepositoryName } from "../core/repository_name.ts";

/** Times are milliseconds, sizes are bytes. */
export interface Settings {
  readonly server: ServerSettings;
  readonly blobStore: {
    readonly rootDir: string;
    /** 0 switches the check off. */
    readonly minimumFreeSpace: number;
  };
  readonly global: {
    readonly maxManifestSize: number;
    readonly maxBlobSize: number;
    readonly allowMissingManifestReferences: boolean;
    readonly uploadExpiryMs: number;
  };
  readonly repositories: readonly RepositorySettings[];
  /** Sentences for the log: nothing that stops a start. */
  readonly warnings: readonly string[];
}

export interface ServerSettings {
  /** IP literal. */
  readonly bindAddress: string;
  /** 0 takes a free port. */
  readonly port: number;
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

export interface TlsSettings {
  /** PEM blocks and nothing else, the server's own certificate first. */
  readonly certificate: string;
  /** One PEM block: PKCS#8, PKCS#1 or SEC1, as the file has it. */
  readonly privateKey: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

export interface RepositorySettings {
  readonly name: RepositoryName;
}
