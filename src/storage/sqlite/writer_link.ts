/** The way of a write from an HTTP thread to the writer thread and of its result back. */
import { receiveMessageOnPort } from "node:worker_threads";
import { type FaultMessage, faultMessageOf, faultOf } from "../../core/fault_message.ts";
import type { FinishedUpload, ManifestPush, SmallUpload } from "../../ports/metadata_store.ts";
import { explainDiskFault } from "../files/disk_fault.ts";
import type { Command, CommandResult, GroupCommit } from "./group_commit.ts";

/** Commands of one transaction at most: its fsync is shared by enough of them, and its part of the log is bounded. */
const MOST_IN_GROUP = 256;

/** References and bytes of a manifest from which its push takes longer than the fsync that it might share. */
const MANY_REFERENCES = 1000;
const MANY_BYTES = 512 * 1024;

/** Bytes from which a copy costs more than giving a buffer away. */
const LARGE = 64 * 1024;

const NO_BYTES = new Uint8Array();

/** Does writes. Resolves when they are durable. */
export interface CommandRunner {
  run(command: Command): Promise<unknown>;
}

interface RequestMessage extends Command {
  readonly id: number;
  /** Those of a manifest, or of a small blob. */
  readonly bytes?: ArrayBuffer;
  /** References of a manifest that has many, as JSON in UTF-8; absent where they are in the command. */
  readonly packed?: ArrayBuffer;
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
    const { message, transfer } = pack(id, command);
    this.#port.postMessage(message, transfer);
    return waiting.promise;
  }

  #settle(reply: ReplyMessage): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(faultOf(reply.error, "writer"));
    else waiting?.resolve(reply.value);
  }
}

/**
 * Takes the bytes of a manifest or of a small blob, and many references, out of the command, as buffers: what the writer takes from a port is walked
 * through to the last byte of an array, which takes 300 ms and 130 MB for one of 4 MiB, but not into a buffer. Large ones go
 * without a copy, since whoever puts a manifest has given its bytes away.
 */
function pack(id: number, command: Command): { message: RequestMessage; transfer: ArrayBuffer[] } {
  if (command.name === "finishUpload") return packFinish(id, command);
  if (command.name !== "putManifest") {
    const args = command.args.map((arg) => arg instanceof Uint8Array ? arg.slice().buffer : arg);
    return { message: { id, name: command.name, args }, transfer: [] };
  }
  const push = command.args[0] as ManifestPush;
  const { bytes: { buffer, length } } = push;
  const bytes = (length === buffer.byteLength ? buffer : push.bytes.slice().buffer) as ArrayBuffer;
  const transfer = length >= LARGE ? [bytes] : [];
  let { references } = push;
  let packed: ArrayBuffer | undefined;
  if (references.length >= MANY_REFERENCES) {
    packed = new TextEncoder().encode(JSON.stringify(references)).buffer;
    transfer.push(packed);
    references = [];
  }
  const args = [{ ...push, bytes: NO_BYTES, references } satisfies ManifestPush];
  return { message: { id, name: command.name, args, bytes, ...(packed && { packed }) }, transfer };
}

function packFinish(
  id: number,
  { name, args }: Command,
): { message: RequestMessage; transfer: ArrayBuffer[] } {
  const upload = args[0] as FinishedUpload;
  if ("file" in upload) return { message: { id, name, args }, transfer: [] };
  const bytes = upload.bytes.slice().buffer as ArrayBuffer;
  const emptied = { ...upload, bytes: NO_BYTES } satisfies FinishedUpload;
  return { message: { id, name, args: [emptied], bytes }, transfer: [] };
}

/** The command as it was, when its turn has come. */
function unpack({ name, args, bytes, packed }: RequestMessage): Command {
  if (bytes === undefined) {
    return { name, args: args.map((arg) => arg instanceof ArrayBuffer ? new Uint8Array(arg) : arg) };
  }
  if (name === "finishUpload") {
    const upload = args[0] as FinishedUpload & SmallUpload;
    return { name, args: [{ ...upload, bytes: new Uint8Array(bytes) } satisfies FinishedUpload] };
  }
  const push = args[0] as ManifestPush;
  const references = packed === undefined
    ? push.references
    : JSON.parse(new TextDecoder().decode(packed)) as ManifestPush["references"];
  return { name, args: [{ ...push, bytes: new Uint8Array(bytes), references } satisfies ManifestPush] };
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
    const results = commit.run(group.map(({ message }) => unpack(message)));
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
function takesLong({ bytes, packed }: RequestMessage): boolean {
  return packed !== undefined || (bytes?.byteLength ?? 0) > MANY_BYTES;
}

function receive(port: MessagePort): RequestMessage | undefined {
  // The declaration asks for Node's own port class; at run time a web MessagePort is one.
  return receiveMessageOnPort(port as never)?.message as RequestMessage | undefined;
}

function replyOf(id: number, result: CommandResult): ReplyMessage {
  if (result.ok) return { id, value: result.value };
  return { id, error: faultMessageOf(explainDiskFault(result.error)) };
}
