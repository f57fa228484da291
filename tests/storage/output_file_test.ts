/** Files that have their names only when they are whole. */
import assert from "node:assert/strict";
import { OutputFile } from "../../src/storage/archive/output_file.ts";
import { runOnSmallDisk } from "../harness/run_on_small_disk.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "output-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("until it is finished a file has another name, and one that is not is gone", () =>
  inFolder(async (folder) => {
    {
      await using file = await OutputFile.open(`${folder}/whole.tar`, { mayReplace: false });
      await using cut = await OutputFile.open(`${folder}/cut.tar`, { mayReplace: false });
      await file.write(new Uint8Array(10));
      await cut.write(new Uint8Array(10));
      assert.equal(namesIn(folder).length, 2);
      for (const name of namesIn(folder)) assert.match(name, /^(cut|whole)\.tar\.[0-9a-f]{8}\.incomplete$/);
      await file.finish();
    }
    assert.deepEqual(namesIn(folder), ["whole.tar"]);
    assert.equal(Deno.statSync(`${folder}/whole.tar`).size, 10);
  }));

Deno.test("what came to be there meanwhile stays, and so does what is no file", () =>
  inFolder(async (folder) => {
    {
      await using file = await OutputFile.open(`${folder}/a.tar`, { mayReplace: false });
      await Deno.writeTextFile(`${folder}/a.tar`, "of somebody else");
      await assert.rejects(file.finish(), /Cannot write \S+a\.tar: it exists; --force replaces it/);
    }
    assert.deepEqual(namesIn(folder), ["a.tar"]);
    assert.equal(await Deno.readTextFile(`${folder}/a.tar`), "of somebody else");
    await Deno.mkdir(`${folder}/folder`);
    await Deno.symlink(`${folder}/a.tar`, `${folder}/link`);
    for (const name of ["folder", "link"]) {
      await assert.rejects(
        OutputFile.open(`${folder}/${name}`, { mayReplace: true }),
        /something that is no file has this name/,
      );
    }
  }));

Deno.test("a disk without room is told before the first byte where the size is known, and in the middle where it fills", () =>
  runOnSmallDisk("8m", new URL("./output_file_disk_scenario.ts", import.meta.url)));
