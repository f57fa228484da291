/** The socket between commands and the running server. */
import assert from "node:assert/strict";
import {
  type ControlCommands,
  listenForCommands,
  type Progress,
  sendCommand,
} from "../../src/server/control_socket.ts";

const COMMANDS: ControlCommands = {
  status: async () => ({ pid: 42, text: "two\nlines" }),
  large: async () => ({ text: "a".repeat(300_000) }),
  fail: async () => {
    throw new Error("Cannot do it: the moon is full");
  },
};

async function withSocket(
  run: (path: string) => Promise<void>,
  commands: ControlCommands = COMMANDS,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/control.sock`;
  const socket = listenForCommands(path, commands);
  try {
    await run(path);
  } finally {
    socket.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** What the server answers to raw bytes, up to its end. */
async function sendRaw(path: string, bytes: string, finish: boolean): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  try {
    await connection.write(new TextEncoder().encode(bytes));
    if (finish) await connection.closeWrite();
  } catch {
    // Cut already; what it answered can be read.
  }
  let text = "";
  const buffer = new Uint8Array(4096);
  while (true) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, read));
  }
}

Deno.test("a command is answered, whatever the answer holds and however long it is", () =>
  withSocket(async (path) => {
    assert.deepEqual(await sendCommand(path, "status"), { pid: 42, text: "two\nlines" });
    assert.equal(String((await sendCommand(path, "large"))!.text).length, 300_000);
  }));

Deno.test("a command gets the arguments that were sent with it", () =>
  withSocket(async (path) => {
    const args = { repository: "a/b", keep: [1, null, "ü"] };
    assert.deepEqual(await sendCommand(path, "echo", { args }), { args });
    assert.deepEqual(await sendCommand(path, "echo"), { args: {} });
  }, { echo: async (args) => ({ args }) }));

Deno.test("the caller of a long command hears how far it is, then the answer", () =>
  withSocket(async (path) => {
    const heard: Progress[] = [];
    assert.deepEqual(await sendCommand(path, "count", { onProgress: (now) => void heard.push(now) }), {
      counted: 1000,
    });
    assert.deepEqual(heard[0], { what: "sheep", done: 0, total: 1000, unit: "items" });
    assert.ok(heard.length < 100, "not each of a thousand");
  }, {
    count: async (_args, { progress }) => {
      for (let done = 0; done < 1000; done++) progress({ what: "sheep", done, total: 1000, unit: "items" });
      return { counted: 1000 };
    },
  }));

Deno.test("a command is told when its caller has gone away", async () => {
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
  await withSocket(async (path) => {
    const connection = await Deno.connect({ transport: "unix", path });
    await connection.write(new TextEncoder().encode('{"command":"wait"}\n'));
    await begun.promise;
    connection.close();
    assert.equal(await ended.promise, true);
  }, {
    wait: async (_args, { signal }) => {
      const gone = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      begun.resolve();
      await gone;
      ended.resolve(signal.aborted);
      return {};
    },
  });
});

Deno.test("the socket is for its owner only", () =>
  withSocket(async (path) => {
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  }));

Deno.test("making the socket leaves the process's file mode mask as it was", async () => {
  const before = Deno.umask(0o022);
  await withSocket(async () => {
    assert.equal(Deno.umask(), 0o022);
  });
  const long = `/tmp/${"a".repeat(60)}/${"b".repeat(30)}/control.sock`;
  assert.throws(() => listenForCommands(long, COMMANDS));
  assert.equal(Deno.umask(), 0o022);
  Deno.umask(before);
});

Deno.test("a command that fails or does not exist is told so", () =>
  withSocket(async (path) => {
    await assert.rejects(sendCommand(path, "fail"), /^Error: Cannot do it: the moon is full$/);
    for (const command of ["nothing", "toString", "__proto__", ""]) {
      await assert.rejects(sendCommand(path, command), /unknown command/, command);
    }
  }));

Deno.test("garbage, unfinished and huge requests are ignored, and others are served", () =>
  withSocket(async (path) => {
    for (
      const bytes of [
        "\n",
        "null\n",
        "{}{}\n",
        "\0\0\0\n",
        '{"command":\n',
        "GET / HTTP/1.1\r\n\r\n",
        `${"a".repeat(100_000)}\n`,
        "",
      ]
    ) {
      assert.equal(await sendRaw(path, bytes, true), "", JSON.stringify(bytes.slice(0, 30)));
    }
    assert.match(await sendRaw(path, '{"command":["status"]}\n', true), /unknown command/);
    assert.match(await sendRaw(path, '{"command":1}\n', false), /unknown command/);
    assert.equal(
      await sendRaw(path, "a".repeat(100_000), false),
      "",
      "cut when it is too long, without its end",
    );
    assert.equal((await sendCommand(path, "status"))!.pid, 42);
  }));

Deno.test("many callers that say nothing keep nobody waiting", () =>
  withSocket(async (path) => {
    const silent = await Promise.all(
      Array.from({ length: 50 }, () => Deno.connect({ transport: "unix", path })),
    );
    assert.equal((await sendCommand(path, "status"))!.pid, 42);
    silent.forEach((connection) => connection.close());
  }));

Deno.test("a socket that a killed server left behind is replaced", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/control.sock`;
  const left = Deno.listen({ transport: "unix", path });
  left.close();
  await Deno.writeTextFile(`${folder}/other`, "");
  if (!await exists(path)) await Deno.writeTextFile(path, "");
  const socket = listenForCommands(path, COMMANDS);
  assert.equal((await sendCommand(path, "status"))!.pid, 42);
  socket.close();
  assert.equal(await exists(path), false, "closing removes it");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("sendCommand() gives undefined where no server listens", async () => {
  const folder = await Deno.makeTempDir();
  assert.equal(await sendCommand(`${folder}/control.sock`, "status"), undefined);
  assert.equal(await sendCommand(`${folder}/${"a".repeat(200)}/control.sock`, "status"), undefined);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a path that is too long for a socket is refused with a sentence that says what to do", () => {
  const path = `/tmp/${"ü".repeat(60)}/control.sock`;
  assert.throws(
    () => listenForCommands(path, COMMANDS),
    /^Error: Cannot listen at .*: a socket's path has at most 107 bytes, this one 138\. Choose a shorter root_dir$/,
  );
});

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
