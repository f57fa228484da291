/** Prints the licenses of the packages that are compiled into the program, as they ask for: deno run -A .ci/list_licenses.ts */

interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
  readonly localPath: string;
}

const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", "main.ts"] }).output();
const { modules, npmPackages }: {
  readonly modules: readonly { readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, Package>>;
} = JSON.parse(new TextDecoder().decode(stdout));

const reached = new Set<string>();
const reach = (id: string): void => {
  if (reached.has(id)) return;
  reached.add(id);
  npmPackages[id]!.dependencies.forEach(reach);
};
for (const { npmPackage } of modules) if (npmPackage !== undefined) reach(npmPackage);
if (reached.size < 5) throw new Error(`only ${reached.size} packages were found`);

console.log(
  `simple-registry is compiled with Deno (MIT License, https://deno.com), which names the libraries that it is built on,
and with these packages.`,
);
for (const id of [...reached].toSorted()) {
  const { name, version, localPath } = npmPackages[id]!;
  const { license } = JSON.parse(Deno.readTextFileSync(`${localPath}/package.json`));
  const files = [...Deno.readDirSync(localPath)].map((entry) => entry.name)
    .filter((file) => /^(licen[cs]e|notice)/i.test(file)).toSorted();
  console.log(`\n${"=".repeat(80)}\n${name} ${version} (${license})\n`);
  for (const file of files) console.log(Deno.readTextFileSync(`${localPath}/${file}`).trim());
}
