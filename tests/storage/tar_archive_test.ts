/** Reading tar archives: those of other programs, and those that somebody made to do harm. */
import assert from "node:assert/strict";
import { FileSource } from "../../src/storage/archive/file_source.ts";
import { TarArchive } from "../../src/storage/archive/tar_archive.ts";
import { TarWriter } from "../../src/storage/archive/tar_writer.ts";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { concatenate } from "../harness/der.ts";
import { runCommand } from "../harness/run_command.ts";
import { makeTarEntry } from "../harness/tar_archive.ts";

const END = new Uint8Array(1024);
const LONG_NAME = `blobs/sha512/${"ab".repeat(64)}`;

async function openBytes(...parts: Uint8Array[]): Promise<TarArchive> {
  const bytes = concatenate(parts);
  return await TarArchive.open({
    size: bytes.length,
    read(at, target) {
      const part = bytes.subarray(at, at + target.length);
      target.set(part);
      return Promise.resolve(part.length);
    },
  });
}

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return `${length}${rest}`;
}

async function readAll(archive: TarArchive, name: string): Promise<Uint8Array> {
  return concatenate(await Array.fromAsync(archive.read(name), (chunk) => chunk.slice()));
}

Deno.test("what GNU tar writes is read in every format that holds the names, with or without ./ before them", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tar-" });
  try {
    await Deno.mkdir(`${folder}/in/blobs/sha512`, { recursive: true });
    const large = crypto.getRandomValues(new Uint8Array(60_000));
    await Deno.writeFile(`${folder}/in/${LONG_NAME}`, large);
    await Deno.writeTextFile(`${folder}/in/index.json`, "{}");
    for (const format of ["gnu", "pax", "posix"]) {
      for (const what of [["."], ["index.json", "blobs"]]) {
        const path = `${folder}/${format}.tar`;
        await runCommand(["tar", `--format=${format}`, "-C", `${folder}/in`, "-cf", path, ...what]);
        using source = await FileSource.open(path);
        const archive = await TarArchive.open(source);
        assert.deepEqual([...archive.names].sort(), [LONG_NAME, "index.json"]);
        assertSameBytes(await readAll(archive, LONG_NAME), large);
        assert.deepEqual(await archive.readBytes("index.json", 2), new TextEncoder().encode("{}"));
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what is written is read again, files of several chunks and of none", async () => {
  const parts: Uint8Array[] = [];
  const writer = new TarWriter({ write: async (bytes) => void parts.push(bytes.slice()) });
  const large = crypto.getRandomValues(new Uint8Array(65_536));
  async function* chunks() {
    for (let i = 0; i < 40; i++) yield large;
  }
  await writer.addBytes("empty", new Uint8Array());
  await writer.addChunks("large", 40 * large.length, chunks());
  await writer.addBytes(LONG_NAME, large);
  await writer.finish();
  assert.equal(
    writer.written,
    writer.sizeOf([
      { name: "empty", size: 0 },
      { name: "large", size: 40 * large.length },
      { name: LONG_NAME, size: large.length },
    ]),
  );
  const archive = await openBytes(...parts);
  assert.equal(archive.sizeOf("empty"), 0);
  assertSameBytes(await readAll(archive, "large"), concatenate(Array.from({ length: 40 }, () => large)));
  assertSameBytes((await archive.readBytes(LONG_NAME, large.length))!, large);
});

Deno.test("a blob with fewer or more bytes than announced ends the writing", async () => {
  const writer = new TarWriter({ write: async () => {} });
  async function* chunks() {
    yield new Uint8Array(10);
  }
  await assert.rejects(writer.addChunks("short", 11, chunks()), /short has 10 bytes, expected 11/);
  await assert.rejects(writer.addChunks("long", 9, chunks()), /long has more bytes, expected 9/);
});

Deno.test("a size beyond 8 GiB is understood as pax and as GNU tar write it", async () => {
  const size = 9 * 1024 ** 3;
  const header = makeTarEntry({
    name: "large",
    data: new TextEncoder().encode(record("size", String(size))),
    type: "x",
  });
  for (
    const start of [
      concatenate([header, makeTarEntry({ name: "large" })]),
      makeTarEntry({ name: "large", binarySize: size }),
    ]
  ) {
    const archive = await TarArchive.open({
      size: start.length + size + END.length,
      read(at, target) {
        target.fill(0);
        if (at < start.length) target.set(start.subarray(at, at + target.length));
        return Promise.resolve(target.length);
      },
    });
    assert.equal(archive.sizeOf("large"), size);
  }
});

Deno.test("archives that could be read in two ways, or lead elsewhere, are refused with the reason", async () => {
  const pax = (text: string, type = "x") =>
    makeTarEntry({ name: "pax", data: new TextEncoder().encode(text), type });
  const file = makeTarEntry({ name: "a", data: new Uint8Array(10) });
  const wrongSum = file.slice();
  wrongSum[0] = 0x62;
  const hostile: readonly (readonly [RegExp, ...Uint8Array[]])[] = [
    [/"a" is in it twice/, file, makeTarEntry({ name: "./a" }), END],
    [/absolute name "\/etc\/passwd"/, makeTarEntry({ name: "/etc/passwd" }), END],
    [/name "blobs\/\.\.\/\.\.\/x", which leads out/, makeTarEntry({ name: "blobs/../../x" }), END],
    [/name "\.\.", which leads out/, makeTarEntry({ name: "..", type: "5" }), END],
    [/name "a\\\\b"/, makeTarEntry({ name: "a\\b" }), END],
    [/name "\\u001b\[2J"/, makeTarEntry({ name: "\x1b[2J" }), END],
    [/"a" is a link/, makeTarEntry({ name: "a", type: "2" }), END],
    [/"a" is a link/, makeTarEntry({ name: "a", type: "1" }), END],
    [/"a" is an entry of type "3"/, makeTarEntry({ name: "a", type: "3" }), END],
    [/"a" is an entry of type "S"/, makeTarEntry({ name: "a", type: "S" }), END],
    [/sparse files/, pax(record("GNU.sparse.major", "1")), file, END],
    [/leads out of it/, pax(record("path", "../x")), file, END],
    [
      /absolute name/,
      makeTarEntry({ name: "x", data: new TextEncoder().encode("/x\0"), type: "L" }),
      file,
      END,
    ],
    [/gives the size "-1"/, pax(record("size", "-1")), file, END],
    [/middle of a: it was cut/, pax(record("size", "100000000000000")), file, END],
    [/pax header cannot be read/, pax("99 path=x\n"), file, END],
    [/pax header cannot be read/, pax("0 \n"), file, END],
    [/global header sets the names/, pax(record("path", "x"), "g"), file, END],
    [/at most 64 KiB are read/, makeTarEntry({ name: "x", type: "L", size: 2 ** 30 }), END],
    [/the folder "d" has 512 bytes/, makeTarEntry({ name: "d", type: "5", size: 512 }), END, END],
    [/another checksum than it says/, file, wrongSum, END],
    [/is larger than any file/, makeTarEntry({ name: "a", binarySize: 2 ** 60 }), END],
    [/it ends after 1024 bytes, in the middle of a header/, file],
    [/in the middle of b: it was cut/, file, makeTarEntry({ name: "b", size: 5000 }), new Uint8Array(512)],
    [/it is no tar archive: the checksum of a header is/, new Uint8Array(2000).fill(7)],
    [/compressed with gzip\. Unpack it/, new Uint8Array([0x1f, 0x8b, ...new Uint8Array(1000)])],
    [/compressed with zstd/, new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, ...new Uint8Array(1000)])],
    [/it ends after 0 bytes/, new Uint8Array()],
  ];
  for (const [message, ...parts] of hostile) {
    await assert.rejects(openBytes(...parts), (error: Error) => {
      assert.equal(error.name, "BadArchive", String(message));
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("a file that is larger than the caller wants is not read", async () => {
  const archive = await openBytes(makeTarEntry({ name: "index.json", data: new Uint8Array(2000) }), END);
  await assert.rejects(archive.readBytes("index.json", 1999), /index\.json has 1\.95 KiB, at most 1\.95 KiB/);
  assert.equal(await archive.readBytes("other", 10), undefined);
});
