/** crane, which has no way to show a client certificate, where others show theirs. */
import assert from "node:assert/strict";
import { hashPassword } from "../../src/auth/password_hash.ts";
import { buildImage } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { ROLES } from "./access_rules.ts";
import { makePeople } from "./identity_files.ts";

const needs = { programs: ["crane"] };
const people = makePeople();
const password = crypto.randomUUID();
const config = `${ROLES.trimEnd().slice(0, -1)}
  "identity.username == 'reader' && request.action.startsWith('get-')",
]
[auth.identity.reader]
username = "reader"
password = "${await hashPassword(password)}"
`;
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config }, people.admin);
const test = testWith(needs);

async function crane(...args: string[]): Promise<string> {
  return (await shared.run(["crane", ...args], { env: { SSL_CERT_FILE: shared.registry.caFile } })).stdout;
}

test("crane without credentials reads that it has to authenticate", async () => {
  await shared.api.pushImage("app/one", buildImage(), "v1");
  await assert.rejects(
    crane("pull", shared.at("app/one:v1"), "pulled.tar"),
    /UNAUTHORIZED: Authentication required: no rule of the global access policy allows/,
  );
});

test("crane logs in and pulls, and reads why its push is refused", async () => {
  await shared.api.pushImage("app/two", buildImage(), "v1");
  await crane("auth", "login", shared.registry.host, "--username", "reader", "--password", password);
  await crane("pull", shared.at("app/two:v1"), "pulled.tar");
  await assert.rejects(
    crane("push", "pulled.tar", shared.at("app/other:v1")),
    /DENIED: Access denied: no rule of the global access policy allows start-upload in "app\/other"/,
  );
});

test("crane with a wrong password reads so", async () => {
  await crane("auth", "login", shared.registry.host, "--username", "reader", "--password", "wrong");
  await assert.rejects(
    crane("digest", shared.at("app/two:v1")),
    /wrong user name or password|401 Unauthorized/,
  );
});
