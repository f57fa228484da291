/** Reads, checks and hands out the configuration again; whatever is wrong with it, what was there before stays. */
import type { Settings } from "../config/settings.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { showExpiry } from "./certificate_facts.ts";
import { checkSettings } from "./check_settings.ts";
import { keysThatNeedRestart, settingsInForce } from "./restart_keys.ts";
import { withSystemCas } from "./system_cas.ts";
import { systemClock } from "./wire.ts";

export interface ReloadParts {
  /** What the server was started with. */
  readonly started: Settings;
  /** @throws {ConfigError} */
  readonly readAgain: () => Settings;
  /** Gives the settings to all threads. @throws {Error} when one of them could not take them */
  readonly handOut: (settings: Settings) => Promise<void>;
  /** Called with settings that are in force from now on. */
  readonly onReload: (settings: Settings) => void;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class Reload {
  readonly #parts: ReloadParts;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#parts = parts;
  }

  /** Shows what the server was started with. */
  async begin(): Promise<void> {
    await this.#showSuccess(this.#parts.started);
  }

  /** One after the other: the last word is the newest. Never throws; what became of it is in the log. */
  run(): Promise<void> {
    return this.#last = this.#last.then(() => this.#run());
  }

  async #run(): Promise<void> {
    const { started, readAgain, handOut, onReload, log, metrics } = this.#parts;
    try {
      const settings = withSystemCas(readAgain());
      const warnings = [...settings.warnings, ...await checkSettings(settings, new Date())];
      const inForce = settingsInForce(started, settings);
      await handOut(inForce);
      onReload(inForce);
      await this.#showSuccess(inForce);
      for (const warning of warnings) log.warn(warning);
      const waiting = keysThatNeedRestart(started, settings);
      log.info("configuration reloaded", waiting.length > 0 ? { waits_for_restart: waiting } : {});
    } catch (error) {
      metrics.gauge("config_last_reload_successful", {}).set(0);
      log.error("configuration not reloaded, the former one stays", { reason: (error as Error).message });
    }
  }

  async #showSuccess({ server }: Settings): Promise<void> {
    const { metrics } = this.#parts;
    await showExpiry(metrics, server.tls);
    metrics.gauge("config_last_reload_successful", {}).set(1);
    metrics.gauge("config_last_reload_success_timestamp_seconds", {}).set(systemClock.now() / 1000);
  }
}
