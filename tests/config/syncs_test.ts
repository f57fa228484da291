/** `[[mirror]]`: what is copied from other registries. */
import assert from "node:assert/strict";
import { load, problemsOf } from "./load_text.ts";

const ALPINE = `[[mirror]]
from = "docker.io/library/alpine"
to = "dockerhub/library/alpine"
`;

Deno.test("a copy needs to know from where, to where, and which tags", () => {
  const [sync] = load(`${ALPINE}tags = ["latest", "3.*", ">=3.18 <4"]`).syncs;
  const { tags, ...others } = sync!;
  assert.deepEqual(structuredClone(sync), sync, "it can be posted to a thread");
  assert.deepEqual(tags.map(({ kind }) => kind), ["tag", "glob", "range"]);
  assert.deepEqual(others, {
    from: { origin: "https://docker.io", host: "docker.io", repository: "library/alpine" },
    to: "dockerhub/library/alpine",
    platforms: [],
    referrers: true,
    schedule: { kind: "every", ms: 86_400_000 },
  });
  assert.deepEqual(problemsOf("[[mirror]]\n"), [
    'config.toml:1: mirror.1.from: is missing, expected a repository with its registry such as "docker.io/library/alpine" or ' +
    '"registry.example.com:5000/app", without tag',
    'config.toml:1: mirror.1.to: is missing, expected the name of a repository such as "dockerhub/library/alpine"',
    'config.toml:1: mirror.1.tags: is missing, expected tags to copy; ["*"] stands for all',
  ]);
  assert.deepEqual(problemsOf(`${ALPINE}tags = []`), [
    'config.toml:4: mirror.1.tags: holds no tag; ["*"] stands for all',
  ]);
});

Deno.test("a copy may say platforms, times, and how its registry is reached", () => {
  const [sync] = load(
    `[[mirror]]
from = "registry.example.com:5000/app"
to = "app"
tags = ["*"]
platforms = ["linux/amd64", "linux/arm/v7"]
referrers = false
schedule = "03:30"
username = "reader"
password_file = "/password"
`,
    { files: { "/password": "secret\n" } },
  ).syncs;
  assert.deepEqual(sync?.platforms, [{ os: "linux", architecture: "amd64" }, {
    os: "linux",
    architecture: "arm",
    variant: "v7",
  }]);
  assert.deepEqual([sync.referrers, sync.schedule], [false, { kind: "daily", minute: 210 }]);
  assert.equal(sync.upstream?.url, "https://registry.example.com:5000");
  assert.deepEqual(sync.upstream.credential, { username: "reader", password: "secret" });
  assert.deepEqual(load(`${ALPINE}tags = ["*"]\nschedule = "never"`).syncs[0]?.schedule, { kind: "never" });
});

Deno.test("every slip in a copy is told with its line", () => {
  assert.deepEqual(
    problemsOf(`[[mirror]]
from = "alpine:3.20"
to = "Alpine"
tags = ["a b"]
platforms = ["linux"]
schedule = "25:00"
`),
    [
      'config.toml:2: mirror.1.from: expected a repository with its registry such as "docker.io/library/alpine" or ' +
      '"registry.example.com:5000/app", without tag, got the text "alpine:3.20"',
      'config.toml:3: mirror.1.to: expected the name of a repository such as "dockerhub/library/alpine", got the text "Alpine"',
      'config.toml:4: mirror.1.tags: expected a tag, a pattern such as "3.*", or a range of versions such as ">=3.18 <4", ' +
      'got the text "a b"',
      'config.toml:5: mirror.1.platforms: expected a platform such as "linux/amd64" or "linux/arm/v7", got the text "linux"',
      'config.toml:6: mirror.1.schedule: expected a duration from "1m" to "365d", a time of the day such as "03:30", or "never", ' +
      'got the text "25:00"',
    ],
  );
});

Deno.test("no two copies have the same source and the same place", () => {
  assert.deepEqual(problemsOf(`${ALPINE}tags = ["3.20"]\n${ALPINE}tags = ["3.21"]`), [
    "config.toml:5: mirror.2: copies the same repository to the same place as config.toml:1",
  ]);
});
