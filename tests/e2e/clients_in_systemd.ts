/** Clients in the container of a systemd: a push, an upload that waits for its second half, and some that ask all the time. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { PrivateSystemd } from "../harness/private_systemd.ts";
import type { ServerProcess } from "../harness/server_process.ts";

/** What curl got: the body, a space, the status; or what went wrong. */
export async function curl(systemd: PrivateSystemd, args: string): Promise<string> {
  const { stdout, stderr } = await systemd.try(`curl -sS -m 60 -w ' %{http_code}' ${args}`);
  return (stderr + stdout).trim();
}

/** Pushes a text as a blob of team/app and gives its digest. */
export async function pushBlob(systemd: PrivateSystemd, origin: string, text: string): Promise<string> {
  const digest = digestOf(text);
  const target = `'${origin}/v2/team/app/blobs/uploads/?digest=${digest}'`;
  const type = "-H 'Content-Type: application/octet-stream'";
  assert.match(await curl(systemd, `-X POST ${type} --data-binary '${text}' ${target}`), / ?201$/);
  return digest;
}

export interface WaitingUpload {
  /** Sends the second half; gives the status. */
  finish(): Promise<string>;
}

/** Uploads a blob up to its half. */
export async function beginUpload(systemd: PrivateSystemd, origin: string): Promise<WaitingUpload> {
  const [first, second] = ["first", "second"];
  await systemd.run("mkfifo first second");
  const begin = `curl -sS -X POST -D - -o /dev/null ${origin}/v2/team/app/blobs/uploads/`;
  const session = /^location: (\S+)/im.exec((await systemd.run(begin)).stdout)![1]!;
  const target = new URL(session, origin);
  target.searchParams.set("digest", digestOf(first + second));
  const upload = systemd.start(
    "The upload",
    `cat first second | curl -sSv -m 60 -T - -H 'Expect: 100-continue' -w '\\nstatus %{http_code}\\n' '${target}'`,
  );
  const read = (what: string, pattern: RegExp) =>
    upload.waitForLine(what, (line) => pattern.exec(line)?.[0].slice(-3), 60_000);
  await systemd.run(`printf ${first} > first`);
  await read("that the registry waits for the body", /^< HTTP\/1.1 100/);
  return {
    async finish() {
      await systemd.run(`printf ${second} > second`);
      return await read("its status", /^status \d+/);
    },
  };
}

/** Clients that ask one question after the other, each over a new connection. */
export class AskingClients implements AsyncDisposable {
  readonly #systemd: PrivateSystemd;
  readonly #clients: readonly ServerProcess[];

  constructor(systemd: PrivateSystemd, url: string) {
    this.#systemd = systemd;
    const ask = `while ! [ -e enough ]; do curl -sS -m 60 -w ' %{http_code}\\n' ${url} 2>&1 || true; done`;
    this.#clients = Array.from({ length: 4 }, (_, index) => systemd.start(`Client ${index}`, ask));
  }

  /** Waits until each has been answered once more. */
  async answered(): Promise<void> {
    await Promise.all(this.#clients.map((client) => {
      const known = client.logLines.length;
      let index = 0;
      return client.waitForLine("another answer", () => ++index > known || undefined, 60_000);
    }));
  }

  /** Lets them end; gives every answer that there was. */
  async end(): Promise<ReadonlySet<string>> {
    await this.#systemd.run("touch enough");
    await Promise.all(this.#clients.map((client) => client.ended()));
    await this.#systemd.run("rm enough");
    return new Set(this.#clients.flatMap(({ logLines }) => logLines));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.kill("SIGKILL");
    await Promise.all(this.#clients.map((client) => client.ended()));
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
