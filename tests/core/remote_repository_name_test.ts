/** Names of repositories in other registries. */
import assert from "node:assert/strict";
import { parseRemoteReference, parseRemoteRepositoryName } from "../../src/core/remote_repository_name.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

Deno.test("parseRemoteRepositoryName() tells host, scheme and repository", () => {
  assert.deepEqual(parseRemoteRepositoryName("docker.io/library/alpine"), {
    origin: "https://docker.io",
    host: "docker.io",
    repository: "library/alpine",
  });
  assert.equal(
    parseRemoteRepositoryName("Registry.Example.com:5000/a/b")?.origin,
    "https://registry.example.com:5000",
  );
  assert.equal(parseRemoteRepositoryName("localhost/app")?.origin, "https://localhost");
  assert.equal(parseRemoteRepositoryName("http://127.0.0.1:5000/app")?.origin, "http://127.0.0.1:5000");
  assert.equal(parseRemoteRepositoryName("[::1]:5000/app")?.host, "[::1]:5000");
});

Deno.test("parseRemoteRepositoryName() takes nothing whose registry is not said, and no path of a URL", () => {
  for (
    const text of [
      "alpine",
      "library/alpine",
      "docker.io",
      "docker.io/",
      "docker.io/Alpine",
      "docker.io/../x",
      "https:///alpine",
      "ftp://docker.io/a",
      "user@docker.io/a",
      "docker.io/a?x=1",
      "do cker.io/a",
      "docker.io:port/a",
      `docker.io/${"a".repeat(300)}`,
    ]
  ) assert.equal(parseRemoteRepositoryName(text), undefined, text);
});

Deno.test("parseRemoteReference() reads a tag or a digest behind the name, and knows a port from a tag", () => {
  const read = (text: string) => parseRemoteReference(text)?.reference;
  assert.deepEqual(read("docker.io/library/alpine:3.20"), { kind: "tag", tag: "3.20" });
  assert.deepEqual(read(`docker.io/library/alpine@${DIGEST}`), { kind: "digest", digest: DIGEST });
  assert.equal(read("registry.example.com:5000/app"), undefined);
  assert.deepEqual(read("http://127.0.0.1:5000/app:v1"), { kind: "tag", tag: "v1" });
  assert.equal(parseRemoteReference("alpine:3.20"), undefined);
  assert.throws(() => read("docker.io/alpine:a b"), /Cannot use tag/);
  assert.throws(() => read("docker.io/alpine@sha256:1"), /digest/);
});
