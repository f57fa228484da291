/** One process owns a data directory, whatever becomes of the process. */
import assert from "node:assert/strict";
import { DirectoryInUse, lockDirectory } from "../../src/storage/files/directory_lock.ts";

const HOLDER = new URL("./hold_directory.ts", import.meta.url).pathname;

/** Starts a process that takes the lock; resolves when it says that it has it, or to what it says otherwise. */
async function startHolder(lockFile: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-write", HOLDER, lockFile],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    said += value;
  }
  return {
    pid: child.pid,
    said: said.trim(),
    async end(signal: Deno.Signal): Promise<void> {
      child.kill(signal);
      await child.status;
      await reader.cancel();
      await child.stdin.close().catch(() => {});
    },
  };
}

async function withLockFile(work: (lockFile: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(`${dir}/lock`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("lockDirectory() refuses while another process has the lock, names it, and is free after kill -9", async () => {
  await withLockFile(async (lockFile) => {
    const holder = await startHolder(lockFile);
    assert.equal(holder.said, "locked");
    assert.throws(() => lockDirectory(lockFile), (error: Error) => {
      assert.ok(error instanceof DirectoryInUse);
      assert.match(error.message, new RegExp(`process ${holder.pid}\\b`));
      assert.ok(error.message.includes(lockFile));
      return true;
    });
    assert.equal(
      (await Deno.readTextFile(lockFile)).trim(),
      String(holder.pid),
      "the refused one wrote nothing",
    );
    await holder.end("SIGKILL");
    lockDirectory(lockFile).release();
  });
});

Deno.test("a second process is refused and told the id of this one", async () => {
  await withLockFile(async (lockFile) => {
    const lock = lockDirectory(lockFile);
    const refused = await startHolder(lockFile);
    assert.match(refused.said, new RegExp(`^DirectoryInUse: .*process ${Deno.pid}\\b`));
    await refused.end("SIGKILL");
    lock.release();
    const holder = await startHolder(lockFile);
    assert.equal(holder.said, "locked");
    await holder.end("SIGKILL");
  });
});

Deno.test("to remove the lock file, or to put another in its place, lets nobody in beside the one who has the folder", async () => {
  await withLockFile(async (lockFile) => {
    const lock = lockDirectory(lockFile);
    await Deno.remove(lockFile);
    // Twice: the first one that is refused leaves a lock file.
    for (let i = 0; i < 2; i++) {
      const refused = await startHolder(lockFile);
      assert.match(
        refused.said,
        /^DirectoryInUse: .* has .*, though its lock file was removed\. Stop that process$/,
      );
      await refused.end("SIGKILL");
    }
    lock.release();
    const holder = await startHolder(lockFile);
    assert.equal(holder.said, "locked");
    await holder.end("SIGKILL");
  });
});

Deno.test("lockDirectory() replaces the process id of an earlier owner, also a longer one", async () => {
  await withLockFile(async (lockFile) => {
    await Deno.writeTextFile(lockFile, "12345678901234567890\nand more\n");
    const lock = lockDirectory(lockFile);
    assert.equal(await Deno.readTextFile(lockFile), `${Deno.pid}\n`);
    assert.equal((await Deno.stat(lockFile)).mode! & 0o111, 0);
    lock.release();
  });
});

Deno.test("the lock is not passed on to a child process", async () => {
  await withLockFile(async (lockFile) => {
    const lock = lockDirectory(lockFile);
    const child = new Deno.Command("sh", { args: ["-c", "echo started; exec sleep 60"], stdout: "piped" })
      .spawn();
    const reader = child.stdout.getReader();
    try {
      // Until it runs its own program, a child has every file of its parent.
      await reader.read();
      lock.release();
      lockDirectory(lockFile).release();
    } finally {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    }
  });
});
