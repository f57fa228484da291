/** What has to be watched to see that a path leads elsewhere. */
import assert from "node:assert/strict";
import { entriesOnPath } from "../../../src/cli/reload/path_entries.ts";

/** Makes `links` (path to target) and empty `files` in a new folder, runs `check` on it, and removes it. */
async function inFolder(
  { links = {}, files = [] }: {
    readonly links?: Readonly<Record<string, string>>;
    readonly files?: readonly string[];
  },
  check: (folder: string) => void,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const file of files) {
      await Deno.mkdir(`${folder}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${file}`, "");
    }
    for (const [link, target] of Object.entries(links)) await Deno.symlink(target, `${folder}/${link}`);
    check(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a plain file is its own entry, however its path is written", async () => {
  await inFolder({ files: ["tls/server.key"] }, (folder) => {
    for (const path of ["tls/server.key", "./tls//server.key", "tls/../tls/server.key"]) {
      assert.deepEqual(entriesOnPath(`${folder}/${path}`), [`${folder}/tls/server.key`]);
    }
  });
});

Deno.test("every link of a Kubernetes secret is an entry, and so is the file behind them", async () => {
  const links = { "..data": "..2026_11_26", "server.key": "..data/server.key" };
  await inFolder({ links, files: ["..2026_11_26/server.key"] }, (folder) => {
    assert.deepEqual(entriesOnPath(`${folder}/server.key`), [
      `${folder}/server.key`,
      `${folder}/..data`,
      `${folder}/..2026_11_26/server.key`,
    ]);
  });
});

Deno.test("links of folders count wherever they stand on the path, and lead up and to the root as the system follows them", async () => {
  const links = { "live": "a/b", "a/b/up": "../../other" };
  await inFolder({ links, files: ["a/b/c", "other/server.key"] }, (folder) => {
    assert.deepEqual(entriesOnPath(`${folder}/live/up/server.key`), [
      `${folder}/live`,
      `${folder}/a/b/up`,
      `${folder}/other/server.key`,
    ]);
    Deno.symlinkSync(`${folder}/other`, `${folder}/absolute`);
    assert.deepEqual(entriesOnPath(`${folder}/absolute/../a/b/c`), [
      `${folder}/absolute`,
      `${folder}/a/b/c`,
    ], "`..` behind a link is above what the link leads to");
  });
});

Deno.test("the first entry that is missing ends the walk, as do links in a circle", async () => {
  await inFolder({ links: { here: "there", there: "here" } }, (folder) => {
    assert.deepEqual(entriesOnPath(`${folder}/no/such/file`), [`${folder}/no`]);
    const circle = new Set(entriesOnPath(`${folder}/here`));
    assert.deepEqual([...circle], [`${folder}/here`, `${folder}/there`]);
  });
});
