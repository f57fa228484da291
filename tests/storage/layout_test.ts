/** Names of files are one to one and stay under the root; folders are made private, and again where missing. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Digest, makeDigest } from "../../src/core/digest.ts";
import type { UploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf, folderOf, Layout, makeFolders, sessionOf } from "../../src/storage/files/layout.ts";
import { fakeDigest, TempStorage } from "./temp_storage.ts";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const anyDigest = fc.oneof(
  hex(64).map((text) => makeDigest("sha256", text)),
  hex(128).map((text) => makeDigest("sha512", text)),
);
const anySession = fc.uuid().map((id) => id as UploadSessionId);

Deno.test("blobFileOf() gives two blobs or two sessions never the same file", () => {
  const files = new Map<string, string>();
  fc.assert(fc.property(anyDigest, anySession, (digest, session) => {
    const file = blobFileOf(digest, session);
    const pair = `${digest} ${session}`;
    assert.equal(files.get(file) ?? pair, pair);
    files.set(file, pair);
  }));
  const session = "0b6c7a5e-0000-4000-8000-000000000001" as UploadSessionId;
  const other = "0b6c7a5e-0000-4000-8000-000000000002" as UploadSessionId;
  assert.notEqual(blobFileOf(fakeDigest(1), session), blobFileOf(fakeDigest(1), other));
});

Deno.test("sessionOf() and folderOf() take a blob file's name apart", () => {
  fc.assert(fc.property(anyDigest, anySession, (digest: Digest, session) => {
    const file = blobFileOf(digest, session);
    assert.equal(sessionOf(file), session);
    assert.equal(sessionOf(file.slice(file.lastIndexOf("/") + 1)), session);
    assert.match(folderOf(file), /^sha(256|512)\/[0-9a-f]{2}$/);
    assert.ok([...new Layout("/r").blobFolders()].includes(`/r/blobs/${folderOf(file)}`));
  }));
});

Deno.test("Layout puts everything under the root directory, each in its own place", () => {
  const layout = new Layout("/r");
  const session = "0b6c7a5e-0000-4000-8000-000000000001" as UploadSessionId;
  const paths = [
    layout.database,
    layout.lock,
    layout.ballast,
    layout.controlSocket,
    layout.upload(session),
    layout.blob(blobFileOf(fakeDigest(1), session)),
  ];
  assert.equal(new Set(paths).size, paths.length);
  for (const path of paths) assert.ok(path.startsWith("/r/"), path);
});

Deno.test("makeFolders() makes every folder, with its parents, for the owner alone", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const layout = new Layout(`${dir}/not/yet/there`);
    makeFolders(layout);
    const folders = [layout.rootDir, layout.uploads, layout.blobs, ...layout.blobFolders()];
    assert.equal(folders.length, 3 + 512);
    for (const folder of folders) {
      const { isDirectory, mode } = await Deno.stat(folder);
      assert.ok(isDirectory, folder);
      assert.equal(mode! & 0o077, 0, `${folder} is open to others`);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("makeFolders() makes what is missing and leaves what is there", async () => {
  using storage = new TempStorage();
  const { layout } = storage;
  await Deno.remove(`${layout.blobs}/sha512/ff`);
  await Deno.writeTextFile(`${layout.uploads}/kept`, "x");
  makeFolders(layout);
  assert.ok((await Deno.stat(`${layout.blobs}/sha512/ff`)).isDirectory);
  assert.equal(await Deno.readTextFile(`${layout.uploads}/kept`), "x");
});

Deno.test("makeFolders() takes a relative root directory and a link to one", async () => {
  const dir = await Deno.makeTempDir();
  const former = Deno.cwd();
  try {
    Deno.chdir(dir);
    makeFolders(new Layout("./data"));
    await Deno.symlink(`${dir}/data`, `${dir}/link`);
    makeFolders(new Layout(`${dir}/link`));
    assert.ok((await Deno.stat(`${dir}/data/blobs/sha256/00`)).isDirectory);
  } finally {
    Deno.chdir(former);
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("makeFolders() syncs the parents also when another start, which was cut, had made the folders", () => {
  using storage = new TempStorage();
  const synced: string[] = [];
  const { openSync } = Deno;
  Deno.openSync = (path, options) => {
    const file = openSync(path, options);
    const syncSync = file.syncSync.bind(file);
    file.syncSync = () => {
      synced.push(String(path));
      syncSync();
    };
    return file;
  };
  try {
    makeFolders(storage.layout);
  } finally {
    Deno.openSync = openSync;
  }
  const { blobs, rootDir } = storage.layout;
  assert.deepEqual(synced, [`${blobs}/sha256`, `${blobs}/sha512`, blobs, rootDir]);
});
