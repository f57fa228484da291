/** Starts the HTTP server of one thread in the test's own process, plain or TLS, with short limits. */
import { ProcessMetrics } from "../../src/metrics/process_metrics.ts";
import { ThreadMetrics } from "../../src/metrics/thread_metrics.ts";
import type { Handled, HttpRequest } from "../../src/http/message.ts";
import type { Log, LogFields } from "../../src/ports/log.ts";
import { HttpServer } from "../../src/server/http_server.ts";
import type { ConnectionLimits } from "../../src/server/limits.ts";
import { issueCertificate } from "../harness/certificates.ts";
import { EchoHandler } from "./echo_handler.ts";
import { RawClient } from "./raw_client.ts";

const ca = issueCertificate({ commonName: "Test Root CA", isAuthority: true });
const leaf = issueCertificate({
  commonName: "localhost",
  issuer: ca,
  dnsNames: ["localhost"],
  ipAddresses: ["127.0.0.1"],
  purposes: ["serverAuth"],
});

/** PEM of the authority behind the servers' certificates. */
export const caPem = ca.certificatePem;

/** Certificate and key for a server of a test. */
export const keyPair = { certificate: leaf.certificatePem, privateKey: leaf.keyPem };

/** Limits that no test runs into by accident. */
export const AMPLE_LIMITS: ConnectionLimits = {
  handshakeTimeoutMs: 30_000,
  headersTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  minimumBodyRate: 1024,
  bodyWindowMs: 30_000,
  maxConnections: 10_000,
};

export interface LogRecord {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps log records, and tells of new ones. */
export class RecordingLog implements Log {
  readonly records: LogRecord[] = [];
  #waiters: (() => void)[] = [];

  debug = (message: string, fields: LogFields = {}): void => this.#add("debug", message, fields);
  info = (message: string, fields: LogFields = {}): void => this.#add("info", message, fields);
  warn = (message: string, fields: LogFields = {}): void => this.#add("warn", message, fields);
  error = (message: string, fields: LogFields = {}): void => this.#add("error", message, fields);

  /** Resolves to the first record that fits, also one already there. */
  async find(fits: (record: LogRecord) => boolean): Promise<LogRecord> {
    while (true) {
      const found = this.records.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  #add(level: string, message: string, fields: LogFields): void {
    this.records.push({ level, message, fields });
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

export interface TestServerOptions {
  readonly secure?: boolean;
  readonly limits?: Partial<ConnectionLimits>;
  readonly handle?: (request: HttpRequest) => Promise<Handled>;
}

export class TestServer implements AsyncDisposable {
  readonly echo = new EchoHandler();
  readonly log = new RecordingLog();
  readonly secure: boolean;
  readonly server: HttpServer;
  /** What it counted. */
  readonly metrics = new ProcessMetrics();
  readonly counters = this.metrics.open();
  port = 0;

  constructor({ secure = false, limits = {}, handle }: TestServerOptions) {
    this.secure = secure;
    this.server = new HttpServer({
      handle: handle ?? this.echo.handle,
      limits: { ...AMPLE_LIMITS, ...limits },
      log: this.log,
      metrics: new ThreadMetrics((series) => this.counters.receive(series)),
      tls: secure ? keyPair : undefined,
    });
  }

  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options);
    server.port = await server.server.listen("127.0.0.1", 0);
    return server;
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.port, this.secure ? caPem : undefined);
  }

  /** One request on a connection of its own; gives the answer. */
  async ask(request: string): Promise<{ status: number; headers: Map<string, string>; body: string }> {
    using client = await this.connect();
    await client.send(request);
    return await client.readAnswer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.echo.gate.resolve();
    await this.server.drain(0);
  }
}

/** Registers a test twice: over plain HTTP and over TLS. */
export function testBoth(title: string, run: (secure: boolean) => Promise<void>): void {
  Deno.test(`${title} (plain)`, () => run(false));
  Deno.test(`${title} (TLS)`, () => run(true));
}
