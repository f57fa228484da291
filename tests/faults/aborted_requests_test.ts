/** Clients that go away leave nothing behind, in short. `make soak` has 20,000 of them. */
import { inTries } from "../harness/tries.ts";
import { abortRequests } from "./aborted_requests_check.ts";

Deno.test(
  "5,000 requests that are broken off anywhere leave no descriptor, no upload and no memory",
  inTries(async () => {
    await abortRequests(2500);
  }),
);
