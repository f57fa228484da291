/** From the files of the command line to settings. */
import { ConfigError } from "../config/config_error.ts";
import { fileReasonOf } from "../core/file_reason.ts";
import { BUILT_IN, loadConfig } from "../config/load_config.ts";
import type { Settings } from "../config/settings.ts";

const DEFAULT_FILE = "config.toml";

export interface ReadSettings {
  readonly settings: Settings;
  /** The files that they stand in, as they were named. */
  readonly sources: readonly string[];
  /** True when no file was named and none lies here. */
  readonly builtIn: boolean;
}

type ReadFile = (path: string) => Uint8Array;

/**
 * @param readFile reads the configuration and whatever it names
 * @throws {ConfigError} with every problem of every file
 */
export function readSettings(
  configFiles: readonly string[],
  readFile: ReadFile = Deno.readFileSync,
): ReadSettings {
  const files = configFiles.length > 0 ? configFiles : defaultFiles(readFile);
  if (files.length === 0) return { settings: BUILT_IN, sources: files, builtIn: true };
  const sources = files.map((file) => ({ file, text: readSource(file, readFile) }));
  return {
    settings: loadConfig(sources, (name) => Deno.env.get(name), readFile),
    sources: files,
    builtIn: false,
  };
}

function defaultFiles(readFile: ReadFile): readonly string[] {
  try {
    readFile(DEFAULT_FILE);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    // Whoever reads it next tells why it cannot be read.
  }
  return [DEFAULT_FILE];
}

function readSource(file: string, readFile: ReadFile): string {
  try {
    return new TextDecoder().decode(readFile(file));
  } catch (error) {
    throw new ConfigError([{
      file,
      line: 0,
      column: 0,
      key: "",
      message: `cannot read it: ${fileReasonOf(error)}`,
    }]);
  }
}
