/** Breaks off 20,000 requests. */
import { abortRequests } from "../faults/aborted_requests_check.ts";

console.log(await abortRequests(10_000));
