/** Which changes a server was asked for and which it has answered, in the order of a record. */
import { CHANGE_HEADER } from "./send_request.ts";
import { beginningOf, pathOfDescriptor, type SystemCall } from "./strace_lines.ts";

/** Characters that hold the head of a request. */
const HEAD = 2000;

export interface Talk {
  /** Line of the record. */
  readonly at: number;
  readonly repository: string;
  /** Its place among the changes of the repository. */
  readonly change: number;
  /** Status code; undefined for the request. */
  readonly answer: number | undefined;
}

export function readTalk(calls: readonly SystemCall[]): Talk[] {
  const talk: Talk[] = [];
  const asked = new Map<string, { repository: string; change: number } | undefined>();
  for (const { name, args, start } of calls) {
    if (name !== "recvfrom" && name !== "sendto" && name !== "read" && name !== "write") continue;
    const socket = pathOfDescriptor(args);
    if (socket === undefined || !/^(socket|TCP)/.test(socket)) continue;
    const text = beginningOf(args, HEAD);
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
    const path = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP\/1\.1\r\n/.exec(text)?.[1];
    if (path !== undefined) {
      const change = new RegExp(`\r\n${CHANGE_HEADER}: (\\d+)\r\n`, "i").exec(text)?.[1];
      const repository = /^\/v2\/(.*?)\/(?:manifests|blobs)\//.exec(path)?.[1];
      const what = change === undefined ? undefined : { repository: repository!, change: Number(change) };
      asked.set(socket, what);
      if (what !== undefined) talk.push({ at: start, ...what, answer: undefined });
    } else if (status !== undefined) {
      const what = asked.get(socket);
      if (what !== undefined) talk.push({ at: start, ...what, answer: Number(status) });
      asked.delete(socket);
    }
  }
  return talk;
}
