/** Files that a command reads from whoever gave it, through the control socket. */
import assert from "node:assert/strict";
import type { ByteSource } from "../../src/ports/byte_source.ts";
import { type ControlCommands, listenForCommands, sendCommand } from "../../src/server/control_socket.ts";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";

const BYTES = crypto.getRandomValues(new Uint8Array(65_536));

/** The same bytes over and over. */
function longSource(size: number): ByteSource {
  return {
    size,
    read(at, target) {
      const length = Math.max(0, Math.min(target.length, size - at));
      for (let i = 0; i < length;) {
        const from = (at + i) % BYTES.length;
        const part = BYTES.subarray(from, Math.min(BYTES.length, from + length - i));
        target.set(part, i);
        i += part.length;
      }
      return Promise.resolve(length);
    },
  };
}

async function withSocket(commands: ControlCommands, run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const socket = listenForCommands(`${folder}/control.sock`, commands);
  try {
    await run(`${folder}/control.sock`);
  } finally {
    socket.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a command reads the caller's file from any place on, several parts at once, beside its progress", async () => {
  const [size, seen] = [5_000_000, [] as Uint8Array[]];
  const commands: ControlCommands = {
    async look(_args, { file, progress }) {
      const places = [0, 4_999_000, 1_000_001, 2_000_000];
      const targets = places.map(() => new Uint8Array(2_500_000));
      const read = await Promise.all(places.map((at, i) => {
        progress({ what: "parts", done: i, unit: "items" });
        return file!.read(at, targets[i]!);
      }));
      seen.push(...targets.map((target, i) => target.subarray(0, read[i])));
      return { size: file!.size, read };
    },
  };
  await withSocket(commands, async (path) => {
    const file = longSource(size);
    const answer = await sendCommand(path, "look", { file });
    assert.deepEqual(answer, { size, read: [2_500_000, 1000, 2_500_000, 2_500_000] });
    for (const [i, at] of [0, 4_999_000, 1_000_001, 2_000_000].entries()) {
      const expected = new Uint8Array(seen[i]!.length);
      await file.read(at, expected);
      assertSameBytes(seen[i]!, expected);
    }
  });
});

Deno.test("a file that cannot be read any more, or whose owner has gone, fails the command's reading", async () => {
  const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const commands: ControlCommands = {
    async look(_args, { file }) {
      const fault = await file!.read(0, new Uint8Array(10)).then(
        () => "none",
        (error: Error) => error.message,
      );
      return { fault };
    },
  };
  await withSocket(commands, async (path) => {
    const broken: ByteSource = { size: 10, read: () => Promise.reject(new Error("the disk is gone")) };
    assert.deepEqual(await sendCommand(path, "look", { file: broken }), { fault: "the disk is gone" });
  });
  const second: ControlCommands = {
    async look(_args, { file }) {
      asked.resolve();
      const fault = await file!.read(0, new Uint8Array(10)).then(
        () => "none",
        (error: Error) => error.message,
      );
      left.resolve(fault);
      return {};
    },
  };
  await withSocket(second, async (path) => {
    const leave = new AbortController();
    const silent: ByteSource = { size: 10, read: () => new Promise(() => {}) };
    const sent = sendCommand(path, "look", { file: silent, signal: leave.signal });
    await asked.promise;
    leave.abort();
    await assert.rejects(sent, /look was not waited for/);
    assert.match(await left.promise, /has gone away, and its file with it/);
  });
});

Deno.test("a caller that answers with more than it was asked for is not read on", async () => {
  const fault = Promise.withResolvers<string>();
  const commands: ControlCommands = {
    async look(_args, { file }) {
      fault.resolve(
        await file!.read(0, new Uint8Array(10)).then(() => "none", (error: Error) => error.message),
      );
      return {};
    },
  };
  await withSocket(commands, async (path) => {
    using connection = await Deno.connect({ transport: "unix", path });
    const request = `{"command":"look","file":{"size":10}}\n{"bytes":11}\n${"x".repeat(11)}`;
    await connection.write(new TextEncoder().encode(request));
    assert.match(await fault.promise, /gone away|another number of bytes/);
  });
});
