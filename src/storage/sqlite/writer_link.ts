/** The way of a write from an HTTP thread to the writer thread and of its result back. */
import { receiveMessageOnPort } from "node:worker_threads";
import { type FaultMessage, faultMessageOf, faultOf } from "../../core/fault_message.ts";
import type { ManifestPush } from "../../ports/metadata_store.ts";
import { explainDiskFault } from "../files/disk_fault.ts";
import type { Command, CommandResult, GroupCommit } from "./group_commit.ts";

/** Commands of one transaction at most: its fsync is shared by enough of them, and its part of the log is bounded. */
const MOST_IN_GROUP = 256;

/** References and bytes of a manifest from which its push takes longer than the fsync that it might share. */
const MANY_REFERENCES = 1000;
const MANY_BYTES = 512 * 1024;

/** Bytes from which a copy costs more than giving a buffer away. */
const LARGE = 64 * 1024;

/** Does writes. Resolves when they are durable. */
export interface CommandRunner {
  run(command: Command): Promise<unknown>;
}

interface RequestMessage extends Command {
  readonly id: number;
}

type ReplyMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: FaultMessage };

/** The HTTP thread's end. */
export class RemoteWriter implements CommandRunner {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<readonly ReplyMessage[]>) =>
      data.forEach((reply) => this.#settle(reply));
  }

  run(command: Command): Promise<unknown> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#port.postMessage({ id, ...command } satisfies RequestMessage, buffersOf(command));
    return waiting.promise;
  }

  #settle(reply: ReplyMessage): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(faultOf(reply.error, "writer"));
    else waiting?.resolve(reply.value);
  }
}

/** Large bytes go to the writer without a copy: whoever puts a manifest has given its bytes away. */
function buffersOf({ name, args }: Command): ArrayBuffer[] {
  if (name !== "putManifest") return [];
  const { bytes } = args[0] as ManifestPush;
  const { buffer } = bytes;
  return bytes.length >= LARGE && bytes.length === buffer.byteLength ? [buffer as ArrayBuffer] : [];
}

/** A writer in the same thread, for commands and tests that have no other. */
export class LocalWriter implements CommandRunner {
  readonly #commit: GroupCommit;

  constructor(commit: GroupCommit) {
    this.#commit = commit;
  }

  async run(command: Command): Promise<unknown> {
    const [result] = this.#commit.run([command]);
    if (!result!.ok) throw explainDiskFault(result!.error);
    return result!.value;
  }
}

/** A write that waits, and where its result goes. */
interface Request {
  readonly port: MessagePort;
  readonly message: RequestMessage;
}

/**
 * Serves ports of HTTP threads: what waits on all of them when a message arrives goes into one transaction. Writes that take
 * long have one each, and what came meanwhile comes before the next of them: nobody waits for two.
 */
export function serveWriter(commit: Pick<GroupCommit, "run">): (port: MessagePort) => void {
  const ports: MessagePort[] = [];
  const long: Request[] = [];

  const gather = (first: Request | undefined): Request[] => {
    const group: Request[] = [];
    const add = (request: Request) => (takesLong(request.message) ? long : group).push(request);
    if (first !== undefined) add(first);
    // One of each port in turn, so that a busy thread does not keep the others waiting.
    for (let taken = -1; taken !== group.length + long.length;) {
      taken = group.length + long.length;
      for (const port of ports) {
        const message = group.length < MOST_IN_GROUP ? receive(port) : undefined;
        if (message !== undefined) add({ port, message });
      }
    }
    return group;
  };
  const answer = (group: readonly Request[]): void => {
    const results = commit.run(group.map(({ message }) => message));
    for (const port of ports) {
      const replies = group.flatMap((request, i) =>
        request.port === port ? [replyOf(request.message.id, results[i]!)] : []
      );
      if (replies.length > 0) port.postMessage(replies);
    }
  };
  const commitWaiting = (first?: Request): void => {
    const group = gather(first);
    if (group.length > 0) answer(group);
    const next = long.shift();
    if (next === undefined) return;
    answer([next]);
    // Messages of other kinds have their turn, then those that came meanwhile.
    if (long.length > 0) setTimeout(commitWaiting, 0);
  };
  return (port) => {
    ports.push(port);
    port.onmessage = ({ data }: MessageEvent<RequestMessage>) => commitWaiting({ port, message: data });
  };
}

/** True for a manifest of which SQLite has much to write. */
function takesLong({ name, args }: Command): boolean {
  if (name !== "putManifest") return false;
  const { references, bytes } = args[0] as ManifestPush;
  return references.length > MANY_REFERENCES || bytes.length > MANY_BYTES;
}

function receive(port: MessagePort): RequestMessage | undefined {
  // The declaration asks for Node's own port class; at run time a web MessagePort is one.
  return receiveMessageOnPort(port as never)?.message as RequestMessage | undefined;
}

function replyOf(id: number, result: CommandResult): ReplyMessage {
  if (result.ok) return { id, value: result.value };
  return { id, error: faultMessageOf(explainDiskFault(result.error)) };
}
