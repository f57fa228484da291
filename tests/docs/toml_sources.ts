/** The TOML blocks of a page, each with the blocks that it is to be laid over. */
import type { ConfigSource } from "../../src/config/load_config.ts";
import type { Block, Page } from "./markdown.ts";

/** The name of a block: its own (`toml server.toml`), or its place. */
export function nameOf(page: Page, block: Block): string {
  return block.words[0] ?? `${page.path}:${block.line}`;
}

/**
 * What `-c` would be given: the blocks named behind "over" (`toml policy.toml over server.toml`), then the block itself.
 *
 * @throws {Error} for a name that no block of the page has
 */
export function sourcesOf(page: Page, block: Block): ConfigSource[] {
  const [, over, ...below] = block.words;
  if (over !== undefined && over !== "over") {
    throw new Error(`${page.path}:${block.line}: expected "over", got "${over}"`);
  }
  const named = below.map((name) => {
    const found = page.blocks.find(({ language, words }) => language === "toml" && words[0] === name);
    if (found === undefined) throw new Error(`${page.path}:${block.line}: no block is called ${name}`);
    return found;
  });
  return [...named, block].map((each) => ({ file: nameOf(page, each), text: each.text }));
}
