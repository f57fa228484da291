/** Reads, checks and hands out the configuration again; whatever is wrong with it, what was there before stays. */
import { TrustError } from "../../auth/load_trust.ts";
import { ConfigError } from "../../config/config_error.ts";
import { isOutOfReach } from "../../config/read_listeners.ts";
import type { Settings } from "../../config/settings.ts";
import type { Log } from "../../ports/log.ts";
import type { Metrics } from "../../ports/metrics.ts";
import { showExpiry } from "../facts/certificate_facts.ts";
import { checkSettings } from "../check_settings.ts";
import { ReadFiles } from "./read_files.ts";
import { keysThatNeedRestart, settingsInForce } from "./restart_keys.ts";
import { withSystemCas } from "../system_cas.ts";
import { systemClock } from "../wire.ts";

export interface ReloadParts {
  /** What the server was started with. */
  readonly started: Settings;
  /** Where it listens and others can reach it. */
  readonly inReach: readonly string[];
  /** The files that this was read from. */
  readonly files: ReadFiles;
  /** @throws {ConfigError} */
  readonly readAgain: (files: ReadFiles) => Settings;
  /** Gives the settings to all threads. @throws {Error} when one of them could not take them, and none has them */
  readonly handOut: (settings: Settings) => Promise<void>;
  readonly onBegin: () => void;
  /** Called with settings that are in force from now on. */
  readonly onReload: (settings: Settings) => void;
  /** Called at the end of each, whatever became of it. */
  readonly onEnd: () => void;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class Reload {
  readonly #parts: ReloadParts;
  #files: ReadFiles;
  /** What requests are judged by now: what waits for a restart stays as it is here, and not as it was at the start. */
  #inForce: Settings;
  #mayWorkLater = false;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#files = parts.files;
    this.#inForce = parts.started;
  }

  /** What the last attempt read, whatever became of it. */
  get files(): ReadFiles {
    return this.#files;
  }

  /** True when the last attempt failed for another reason than what stands in the files. */
  get mayWorkLater(): boolean {
    return this.#mayWorkLater;
  }

  /** Shows what the server was started with. */
  async begin(): Promise<void> {
    await this.#showSuccess(this.#parts.started);
  }

  /** Whether the files can be used as they are now. Changes nothing, says nothing. */
  fits(): boolean {
    try {
      this.#parts.readAgain(new ReadFiles());
      return true;
    } catch {
      return false;
    }
  }

  /** One after the other: the last word is the newest. Never throws; what became of it is in the log. */
  run(): Promise<void> {
    return this.#last = this.#last.then(() => this.#run());
  }

  async #run(): Promise<void> {
    const { started, inReach, readAgain, handOut, onBegin, onReload, onEnd, log, metrics } = this.#parts;
    const files = new ReadFiles();
    const before = this.#files;
    this.#files = files;
    onBegin();
    try {
      const settings = withSystemCas(readAgain(files));
      const warnings = [...settings.warnings, ...await checkSettings(settings, new Date())];
      refuseExposure(inReach, settings);
      refuseMissingCertificates(this.#inForce, settings);
      const inForce = settingsInForce(this.#inForce, settings);
      await handOut(inForce);
      this.#inForce = inForce;
      onReload(inForce);
      await this.#showSuccess(inForce);
      for (const warning of warnings) log.warn(warning);
      const changed = before.changedIn(files);
      const waiting = keysThatNeedRestart(started, settings);
      log.info("configuration reloaded", {
        ...(changed.length > 0 && { changed }),
        ...(waiting.length > 0 && { waits_for_restart: waiting }),
      });
      this.#mayWorkLater = false;
    } catch (error) {
      this.#mayWorkLater = !(error instanceof ConfigError || error instanceof TrustError);
      metrics.gauge("config_last_reload_successful", {}).set(0);
      log.error("configuration not reloaded, the former one stays", { reason: (error as Error).message });
    } finally {
      onEnd();
    }
  }

  async #showSuccess({ server }: Settings): Promise<void> {
    const { metrics } = this.#parts;
    await showExpiry(metrics, server.tls);
    metrics.gauge("config_last_reload_successful", {}).set(1);
    metrics.gauge("config_last_reload_success_timestamp_seconds", {}).set(systemClock.now() / 1000);
  }
}

/** Where the server listens stays as it is until a restart; what was checked is where the new settings would listen. */
function refuseExposure(inReach: readonly string[], { server, global, auth }: Settings): void {
  if (inReach.length === 0 || !server.listeners.every(({ at }) => isOutOfReach(at))) return;
  const policy = global.accessPolicy;
  const letsAllIn = policy !== undefined && policy.defaultAllow && policy.rules.length === 0 &&
    auth.webhooks.length === 0;
  if (!letsAllIn && !server.listeners.every(({ mustStayLocal }) => mustStayLocal)) return;
  throw refusal(
    "server",
    `listens at ${inReach.join(", ")} until a restart, where others reach it: ` +
      "what lets everybody on this machine do everything would let them too. Restart, or write an access policy",
  );
}

/** Policies beside `client_auth = "required"` need not say again that nobody comes without a certificate. */
function refuseMissingCertificates(inForce: Settings, { server }: Settings): void {
  if (server.tls?.clientAuth?.required !== true || inForce.server.tls?.clientAuth !== undefined) return;
  throw refusal(
    "server.tls.client_auth",
    "Cannot ask for certificates before a restart, and what the policies leave to them would be open to everybody until then. " +
      "Restart",
  );
}

function refusal(key: string, message: string): ConfigError {
  return new ConfigError([{ file: "", line: 0, column: 0, key, message }]);
}
