/** Entry of the manifest thread: the 50 ms that a manifest of 4 MiB takes are more than an HTTP thread can spare. */
import type { Digest } from "../../core/digest.ts";
import type { IndexEntry } from "../../core/index_entries.ts";
import { LocalManifestReader } from "../../registry/read_manifest.ts";
import { nodeHasher } from "../../storage/node_hasher.ts";
import type { ReadManifest, SentManifest } from "../../ports/manifest_reader.ts";
import { countWholeBody } from "../../server/dead_buffers.ts";
import { answerCalls, type ServeCalls } from "./port_calls.ts";

export type ManifestQuestion =
  | { readonly kind: "read"; readonly sent: SentManifest }
  | { readonly kind: "entries"; readonly digest: Digest; readonly index: Uint8Array };

export type ManifestAnswer = ReadManifest | readonly IndexEntry[];

const thread = self as unknown as { onmessage: (event: MessageEvent) => void };

const reader = new LocalManifestReader(nodeHasher);

thread.onmessage = ({ data }: MessageEvent<ServeCalls>) => {
  answerCalls<ManifestQuestion, ManifestAnswer>(
    data.port,
    async (question) => {
      if (question.kind === "read") {
        const read = await reader.read(question.sent);
        // Those of this one go with the next.
        countWholeBody(read.bytes.length, read.manifest.references.length);
        return read;
      }
      const entries = await reader.readEntries(question.digest, question.index);
      countWholeBody(question.index.length, entries.length);
      return entries;
    },
    // The bytes go back as they came, without a copy.
    (answer) => "bytes" in answer ? [answer.bytes.buffer] : [],
  );
};
