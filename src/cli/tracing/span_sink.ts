/** Where the spans of all threads meet, on the main one, which alone speaks to the collector. */
import type { TracingSettings } from "../../config/settings.ts";
import type { OtlpExporterOptions } from "./otlp_exporter.ts";
import { OtlpExporter } from "./otlp_exporter.ts";
import type { EndedSpan } from "./span.ts";

export class SpanSink {
  readonly #options: Omit<OtlpExporterOptions, "endpoint">;
  #endpoint: string | undefined;
  #exporter: OtlpExporter | undefined;

  constructor(options: Omit<OtlpExporterOptions, "endpoint">) {
    this.#options = options;
  }

  /** Sends where the settings say from now on; what waits still goes where it was to go. */
  use(settings: TracingSettings | undefined): void {
    if (settings?.endpoint === this.#endpoint) return;
    void this.#exporter?.close();
    this.#endpoint = settings?.endpoint;
    this.#exporter = settings && new OtlpExporter({ ...this.#options, endpoint: settings.endpoint });
  }

  readonly take = (spans: readonly EndedSpan[]): void => this.#exporter?.add(spans);

  /** Resolves when everything was sent, or could not be. */
  async close(): Promise<void> {
    await this.#exporter?.close();
  }
}
