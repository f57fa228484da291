/** Handler of `/token`: swaps what the caller proved, or nothing, for a token (Docker's token authentication). */
import type { Identity } from "../core/identity.ts";
import type { TokenIssuer } from "../ports/token_issuer.ts";
import type { HttpResponse } from "./message.ts";
import { respondJson } from "./respond.ts";

/** Tokens hold no scope: each request is judged by the policies of its own moment, so the parameters are not read. */
export async function handleGetToken(issuer: TokenIssuer, identity: Identity): Promise<HttpResponse> {
  const { token, expiresInSeconds, issuedAt } = await issuer.issueToken(identity);
  const body = {
    token,
    access_token: token,
    expires_in: expiresInSeconds,
    issued_at: new Date(issuedAt).toISOString(),
  };
  return respondJson(200, body, { "cache-control": "no-store" });
}
