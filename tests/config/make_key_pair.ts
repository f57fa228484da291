/** Makes keys and self-signed certificates with openssl, in a folder that is removed again. */
import assert from "node:assert/strict";

export interface KeyPair {
  /** PEM texts. */
  readonly certificate: string;
  readonly key: string;
}

/** A certificate for `CN=localhost` that begins now and lasts one day. `algorithm` is openssl's `-newkey`. */
export async function makeKeyPair(...algorithm: string[]): Promise<KeyPair> {
  return await inTemporaryFolder(async (folder) => {
    await openssl(folder, [
      ...["req", "-x509", "-nodes", "-newkey", ...algorithm, "-days", "1", "-subj", "/CN=localhost"],
      ...["-keyout", "key.pem", "-out", "certificate.pem"],
    ]);
    return {
      certificate: await Deno.readTextFile(`${folder}/certificate.pem`),
      key: await Deno.readTextFile(`${folder}/key.pem`),
    };
  });
}

/** The key in another PEM form: what `openssl <args> -in KEY -out NEW_KEY` makes of it. */
export async function convertKey(key: string, ...args: string[]): Promise<string> {
  return await inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/key.pem`, key);
    await openssl(folder, [...args, "-in", "key.pem", "-out", "converted.pem"]);
    return await Deno.readTextFile(`${folder}/converted.pem`);
  });
}

async function openssl(folder: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder, stdin: "null" })
    .output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
