/** Shell completion, asked in the shells themselves: what they offer is what the table of commands has. */
import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/command_table.ts";
import { writeCompletion } from "../../src/cli/completion/completion.ts";
import { UsageError } from "../../src/cli/usage.ts";
import { testWith } from "../harness/real_clients.ts";
import { runCommand } from "../harness/run_command.ts";

/** Gives what a shell offers for the last of these words. */
type Complete = (words: readonly string[]) => Promise<readonly string[]>;

/** Each script makes its shell print one offer a line for the words that it is given. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _simple_registry; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // The function, as the completion system would call it; it is given each list, and the names of files.
  zsh: `compdef() { }
_describe() { local each; for each in "\${(@P)4}"; do print -r -- "\${each%%:*}"; done }
_files() { print -rl -- *(N) }
source "$1"; shift
words=("$@"); CURRENT=$#; _simple_registry`,
  fish:
    `source $argv[1]; complete -C (string join ' ' -- $argv[2..-1]) | string replace -r '\\t.*' ''; or true`,
};

for (const [shell, script] of Object.entries(SCRIPTS)) {
  const test = testWith({ programs: [shell] });

  test(`${shell} completes commands, options, known values and files`, async (t) => {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/script`, writeCompletion([shell]));
    await Deno.mkdir(`${folder}/here`);
    await Deno.writeTextFile(`${folder}/here/some file.pem`, "");
    const complete: Complete = async (words) => {
      const args = shell === "fish" ? ["--no-config", "-c", script] : ["-c", script, shell];
      const line = [shell, ...(shell === "zsh" ? ["-f"] : []), ...args, `${folder}/script`, ...words];
      const { stdout } = await runCommand(line, { cwd: `${folder}/here`, env: { HOME: folder } });
      const offers = stdout.split("\n").filter((offer) => offer !== "");
      // zsh and fish choose among all that is offered; bash is given what begins so.
      return offers.filter((offer) => offer.startsWith(words.at(-1)!.replace(/^'/, "")));
    };
    try {
      await t.step("first words", async () => {
        const offers = await complete(["simple-registry", ""]);
        for (const { name } of COMMANDS) assert.ok(offers.includes(name.split(" ")[0]!), name);
      });
      await t.step("second words", async () => {
        assert.deepEqual((await complete(["simple-registry", "tags", ""])).toSorted(), [
          "history",
          "restore",
        ]);
      });
      await t.step("every option of every command", async () => {
        for (const { name, options = [] } of COMMANDS) {
          if (options.length === 0) continue;
          const offers = await complete(["simple-registry", "-c", "any.toml", ...name.split(" "), "--"]);
          for (const option of options) {
            assert.ok(offers.includes(`--${option.name}`), `${name} --${option.name}`);
          }
          assert.ok(!offers.includes("--version"), `${name}: what belongs to the start`);
        }
      });
      await t.step("values that are known", async () => {
        const offers = await complete(["simple-registry", "client-config", "--for", "pod"]);
        assert.deepEqual(offers, ["podman"]);
        assert.deepEqual(await complete(["simple-registry", "completion", "z"]), ["zsh"]);
      });
      await t.step("files", async () => {
        for (
          const words of [
            ["-c", ""],
            ["policy", "test", "--cert", ""],
            ["export", "--backup", ""],
            ["import", "some"],
            ["config", "convert", "some"],
          ]
        ) {
          const offers = await complete(["simple-registry", ...words]);
          assert.deepEqual(offers.map((offer) => offer.replaceAll("\\", "")), ["some file.pem"]);
        }
      });
      await t.step("nothing where nobody can know", async () => {
        assert.deepEqual(await complete(["simple-registry", "scrub", "--rate", ""]), []);
        const behindAlias = await complete(["simple-registry", "argon", ""]);
        assert.ok(!behindAlias.includes("server"), "the alias is a command too");
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("completion refuses shells that it does not know, and tells those that it does", () => {
  for (const args of [[], ["tcsh"], ["bash", "zsh"], ["constructor"]]) {
    assert.throws(() => writeCompletion(args), (error) => {
      return error instanceof UsageError && error.message === "write: completion bash|zsh|fish";
    });
  }
});
