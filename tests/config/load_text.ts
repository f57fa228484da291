/** Loads one text as `config.toml` would be. */
import assert from "node:assert/strict";
import { ConfigError, loadConfig } from "../../src/config/load_config.ts";
import type { Settings } from "../../src/config/settings.ts";

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** Path to content; a path that is not there cannot be read. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly now?: Date;
}

/** A callback for texts that name no file. */
export function noFile(path: string): Uint8Array {
  throw new Error(`no file ${path}`);
}

export function load(text: string, { env = {}, files = {}, now }: Surroundings = {}): Settings {
  const readFile = (path: string) => {
    const content = files[path];
    if (content === undefined) throw new Error("no such file");
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  };
  return loadConfig([{ file: "config.toml", text }], (name) => env[name], readFile, now);
}

/** The lines of the error that loading the text must throw. */
export function problemsOf(text: string, surroundings: Surroundings = {}): string[] {
  try {
    load(text, surroundings);
  } catch (fault) {
    if (!(fault instanceof ConfigError)) throw fault;
    assert.equal(fault.message.split("\n").length, fault.problems.length);
    return fault.message.split("\n");
  }
  assert.fail(`expected a ConfigError from ${JSON.stringify(text)}`);
}
