/** One request of one person, and what they are told. */
import { type ClientIdentity, RegistryApi } from "../harness/registry_api.ts";
import type { RunningRegistry } from "../harness/start_registry.ts";

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  /** The header WWW-Authenticate, "" when there is none. */
  readonly challenge: string;
  /** Message of the first error, "" when there is none. */
  readonly reason: string;
  readonly text: string;
}

/** @param request method and path, such as "GET /v2/" */
export async function ask(
  registry: RunningRegistry,
  identity: ClientIdentity | undefined,
  request: string,
  init: RequestInit = {},
): Promise<Told> {
  using api = new RegistryApi(registry, identity);
  const [method = "", path = ""] = request.split(" ");
  const response = await api.request(method, path, init);
  const text = await response.text();
  const hasError = response.status >= 400 && text !== "";
  return {
    status: response.status,
    headers: response.headers,
    challenge: response.headers.get("www-authenticate") ?? "",
    reason: hasError ? JSON.parse(text).errors[0].message : "",
    text,
  };
}
