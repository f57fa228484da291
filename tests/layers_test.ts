/** Holds the layer table: which folder of src/ may import from which, read from the module graph. */
import assert from "node:assert/strict";
import { basename, relative } from "node:path";
import { fileURLToPath } from "node:url";

const projectRoot = fileURLToPath(new URL("../", import.meta.url));

/** Folder of src/ -> folders that it may import from beside itself; "*" stands for any. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ports: ["core"],
  policy: ["core"],
  config: ["core", "policy"],
  registry: ["core", "ports", "policy"],
  jobs: ["core", "ports", "policy", "registry"],
  storage: ["core", "ports"],
  auth: ["core", "ports"],
  metrics: ["core", "ports"],
  http: ["core", "ports", "registry"],
  server: ["core", "ports", "config", "http", "auth", "metrics"],
  upstream: ["core", "ports"],
  cli: ["*"],
};

/** Where the program's threads begin. */
const ENTRIES = ["main.ts", ...threadFiles()];

const VAGUE_NAMES = /^(utils?|helpers?|common|misc|types?|index|mod|shared|lib)\.ts$/;

interface GraphModule {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

interface Edge {
  readonly from: string;
  /** A path below the project, or the specifier of something outside. */
  readonly to: string;
}

Deno.test("every import in src/ goes where the layer table lets it", async () => {
  const edges = await readEdges(sourceFiles());
  assert.ok(edges.length > 200, `only ${edges.length} imports were found`);
  const wrong = edges.filter(({ from, to }) =>
    isWithinSource(from) && isWithinSource(to) && !isAllowed(from, to)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("every folder of src/ is a layer of the table", () => {
  const folders = new Set(sourceFiles().map(layerOf));
  assert.deepEqual([...folders].filter((folder) => LAYERS[folder] === undefined), []);
});

Deno.test("src/ imports nothing from tests/", async () => {
  const wrong = (await readEdges(sourceFiles())).filter(({ from, to }) =>
    isWithinSource(from) && to.startsWith("tests/")
  );
  assert.deepEqual(wrong, []);
});

Deno.test("no import runs in a circle", async () => {
  const targets = Map.groupBy(await readEdges(sourceFiles()), ({ from }) => from);
  const done = new Set<string>();
  const path: string[] = [];
  const circles: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) circles.push([...path.slice(at), file].join(" -> "));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const { to } of targets.get(file) ?? []) visit(to);
    path.pop();
    done.add(file);
  };
  for (const file of targets.keys()) visit(file);
  assert.deepEqual(circles, []);
});

Deno.test("core, ports, policy, registry, jobs and http import nothing from outside the project but what their row names", async () => {
  const pure = ["core", "ports", "registry", "jobs", "http"];
  const wrong = (await readEdges(sourceFiles())).filter(({ from, to }) =>
    isWithinSource(from) && pure.includes(layerOf(from)) && /^(node|npm|jsr|https?):/.test(to)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("core uses no platform: no Deno, no globalThis, no clock, no timer", () => {
  const platform =
    /\bDeno\.|\bglobalThis\b|\bprocess\.|\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bfetch\(|\bset(Timeout|Interval)\b|\bconsole\./;
  const wrong = sourceFiles().filter((file) => layerOf(file) === "core").flatMap((file) =>
    readCode(file).filter((line) => platform.test(line)).map((line) => `${file}: ${line.trim()}`)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("ports hold interfaces only: their files make no value that a program could run", () => {
  const wrong = sourceFiles().filter((file) => layerOf(file) === "ports").flatMap((file) =>
    readCode(file).filter((line) => /^(export )?(async )?(function|let|var|const)\b/.test(line)).map((line) =>
      `${file}: ${line}`
    )
  );
  assert.deepEqual(wrong, []);
});

Deno.test("SQL engines and sockets stay in their layers", async () => {
  const homes: Readonly<Record<string, readonly string[]>> = {
    "node:sqlite": ["storage", "cli"],
    // auth asks webhooks, upstream other registries; commands try a connection and read the system's CAs.
    "node:http": ["server", "auth", "upstream"],
    "node:https": ["server", "auth", "cli", "upstream"],
    "node:tls": ["server", "cli", "upstream"],
  };
  const wrong = (await readEdges(sourceFiles())).filter(({ from, to }) =>
    isWithinSource(from) && homes[to] !== undefined && !homes[to].includes(layerOf(from))
  );
  assert.deepEqual(wrong, []);
});

Deno.test("every thread begins in a file where the binary has it from: src/cli/threads/NAME_thread.ts, by a URL as written", () => {
  const started = sourceFiles().flatMap((file) =>
    readCode(file).flatMap((line) =>
      [...line.matchAll(/new URL\(([^)]*)\)/g)].map(([, args]) => ({ file, args: args! }))
    )
  ).filter(({ args }) => args.includes("import.meta.url"));
  const names = started.map(({ file, args }) => {
    const name = /^"\.\/(\w+_thread\.ts)", import\.meta\.url$/.exec(args)?.[1];
    assert.ok(name !== undefined && file.startsWith("src/cli/threads/"), `${file}: new URL(${args})`);
    return `src/cli/threads/${name}`;
  });
  assert.deepEqual(new Set(names), new Set(threadFiles()));
});

Deno.test("every file of src/ and tests/ has a name that says something, in snake_case", () => {
  const files = [...filesBelow("src"), ...filesBelow("tests")].map((file) => basename(file));
  assert.deepEqual(files.filter((name) => VAGUE_NAMES.test(name)), []);
  assert.deepEqual(files.filter((name) => !/^[a-z0-9]+(_[a-z0-9]+)*\.(ts|json|sql|toml)$/.test(name)), []);
});

Deno.test("every file of src/ begins with one sentence that says what it is", () => {
  const wrong = sourceFiles().filter((file) => {
    const [first = "", second = ""] = Deno.readTextFileSync(projectRoot + file).split("\n");
    const sentence = first === "/**" ? second.slice(3) : first.slice(4, -3);
    return !first.startsWith("/**") || !/^[A-Z`"].{10}/.test(sentence);
  });
  assert.deepEqual(wrong, []);
});

function isAllowed(from: string, to: string): boolean {
  const own = layerOf(from);
  const allowed = LAYERS[own] ?? [];
  return own === layerOf(to) || allowed.includes("*") || allowed.includes(layerOf(to));
}

function isWithinSource(file: string): boolean {
  return file.startsWith("src/");
}

function layerOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function threadFiles(): string[] {
  return [...Deno.readDirSync(`${projectRoot}src/cli/threads`)]
    .filter(({ name }) => name.endsWith("_thread.ts"))
    .map(({ name }) => `src/cli/threads/${name}`);
}

function sourceFiles(): string[] {
  return filesBelow("src");
}

function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(projectRoot + folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return filesBelow(path);
    return name.endsWith(".ts") ? [path] : [];
  }).toSorted();
}

/** The lines of a file without its comments. */
function readCode(file: string): string[] {
  return Deno.readTextFileSync(projectRoot + file).replace(/\/\*[\s\S]*?\*\//g, "").split("\n")
    .map((line) => line.replace(/(^|\s)\/\/.*$/, ""));
}

let edges: Promise<readonly Edge[]> | undefined;

/** Every import among the files and from them, those of types too. */
function readEdges(files: readonly string[]): Promise<readonly Edge[]> {
  return edges ??= readGraph([...ENTRIES, ...files]);
}

async function readGraph(files: readonly string[]): Promise<readonly Edge[]> {
  const folder = await Deno.makeTempDir();
  try {
    const roots = `${folder}/roots.ts`;
    await Deno.writeTextFile(roots, files.map((file) => `import "file://${projectRoot}${file}";\n`).join(""));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", `${projectRoot}deno.json`, roots],
      env: { NO_COLOR: "1" },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: GraphModule[] };
    return modules.filter(({ specifier }) => !specifier.endsWith("/roots.ts")).flatMap((module) =>
      (module.dependencies ?? []).map((dependency) => ({
        from: pathOf(module.specifier),
        to: pathOf(dependency.code?.specifier ?? dependency.type?.specifier ?? dependency.specifier),
      }))
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function pathOf(specifier: string): string {
  return specifier.startsWith("file:") ? relative(projectRoot, fileURLToPath(specifier)) : specifier;
}
