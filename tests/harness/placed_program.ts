/** The program under test in a folder of its own, for a container that sees nothing else of the machine. */
import { runCommand } from "./run_command.ts";
import { projectRoot, registryProgram } from "./start_registry.ts";

/**
 * Makes the folder with `simple-registry` and what it needs, for every user to read: the executable, or a script that runs the
 * sources with a copy of their packages, where the folder is seen as /opt/program.
 */
export async function placeProgram(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const [program = "", ...words] = await registryProgram();
  if (words.length === 0) {
    await Deno.copyFile(program, `${folder}/simple-registry`);
  } else {
    const { stdout } = await runCommand([Deno.execPath(), "info", "--json"]);
    const { npmCache } = JSON.parse(stdout);
    await runCommand(["mkdir", `${folder}/cache`]);
    await runCommand(["cp", "-rL", npmCache, `${folder}/cache/npm`]);
    await runCommand(["cp", Deno.execPath(), `${folder}/deno`]);
    const sources = ["main.ts", "deno.json", "deno.lock", "src"].map((name) => projectRoot + name);
    await runCommand(["cp", "-r", ...sources, folder]);
    const rest = words.slice(0, -1).join(" ");
    await Deno.writeTextFile(
      `${folder}/simple-registry`,
      `#!/bin/sh\nDENO_DIR=/opt/program/cache exec /opt/program/deno ${rest} /opt/program/main.ts "$@"\n`,
    );
  }
  await runCommand(["chmod", "-R", "a+rX", folder]);
  await runCommand(["chmod", "a+x", `${folder}/simple-registry`]);
}
