/**
 * Makes build/bundle/ of the sources: main.js and one file for each thread, with the packages that they import, which is all
 * that is compiled into the binary. The same sources give the same bytes wherever they lie: deno run -A .ci/bundle_program.ts
 */
import { relative } from "node:path";

const OUT = "build/bundle";

/** Where threads begin; they are started by URL, so no import leads there. */
const THREADS = "src/cli/threads";
const threads = [...Deno.readDirSync(THREADS)].map(({ name }) => name)
  .filter((name) => name.endsWith("_thread.ts")).toSorted();

await Deno.remove("build", { recursive: true }).catch(() => {});
const entries = ["main.ts", ...threads.map((name) => `${THREADS}/${name}`)];
await deno(["bundle", "--quiet", "--platform", "deno", "--packages", "bundle", "--outdir", OUT, ...entries]);

const { npmCache } = JSON.parse(await deno(["info", "--json"]));
const registries = [...Deno.readDirSync(npmCache)].filter(({ isDirectory }) => isDirectory)
  .map(({ name }) => `${relative(Deno.cwd(), npmCache)}/${name}/`);

for (const entry of entries) {
  const made = `${OUT}/${entry.replace(/\.ts$/, ".js")}`;
  const file = `${OUT}/${made.slice(made.lastIndexOf("/") + 1)}`;
  // Names of the packages' files stand in it as they lie on this machine; their place in the cache is nobody's business.
  const text = registries.reduce(
    (text, place) => text.replaceAll(place, "npm/"),
    await Deno.readTextFile(made),
  );
  if (text.includes(npmCache)) throw new Error(`${made} names a path of this machine`);
  await Deno.remove(made);
  await Deno.writeTextFile(file, text.replace(/new URL\("\.\/(\w+_thread)\.ts"/g, 'new URL("./$1.js"'));
  // The times of the files go into the binary.
  await Deno.utime(file, 0, 0);
}
await Deno.remove(`${OUT}/src`, { recursive: true });

async function deno(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args] }).output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
