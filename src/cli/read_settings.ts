/** From the files of the command line to settings. */
import { ConfigError } from "../config/config_error.ts";
import { BUILT_IN, loadConfig } from "../config/load_config.ts";
import type { Settings } from "../config/settings.ts";

const DEFAULT_FILE = "config.toml";

export interface ReadSettings {
  readonly settings: Settings;
  /** True when no file was named and none lies here. */
  readonly builtIn: boolean;
}

/** @throws {ConfigError} with every problem of every file */
export function readSettings(configFiles: readonly string[]): ReadSettings {
  const files = configFiles.length > 0 ? configFiles : defaultFiles();
  if (files.length === 0) return { settings: BUILT_IN, builtIn: true };
  const sources = files.map((file) => ({ file, text: readSource(file) }));
  return {
    settings: loadConfig(sources, (name) => Deno.env.get(name), Deno.readFileSync),
    builtIn: false,
  };
}

function defaultFiles(): readonly string[] {
  try {
    Deno.statSync(DEFAULT_FILE);
    return [DEFAULT_FILE];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function readSource(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    throw new ConfigError([{
      file,
      line: 0,
      column: 0,
      key: "",
      message: `cannot read it: ${(error as Error).message}`,
    }]);
  }
}
