/** Entry of a thread with its own view of the blob files, for tests of uploads that change threads. */
import type { Digest, DigestAlgorithm } from "../../src/core/digest.ts";
import type { UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { UploadWriter } from "../../src/ports/blob_store.ts";
import { FileBlobStore } from "../../src/storage/files/file_blob_store.ts";
import { Layout } from "../../src/storage/files/layout.ts";

export type UploadThreadCall =
  | { readonly kind: "open"; readonly id: UploadSessionId; readonly algorithm: DigestAlgorithm }
  | { readonly kind: "append"; readonly bytes: Uint8Array }
  | { readonly kind: "digest"; readonly algorithm: DigestAlgorithm }
  | { readonly kind: "promote"; readonly digest: Digest }
  | { readonly kind: "close" };

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
};

thread.onmessage = ({ data: rootDir }: MessageEvent<string>) => {
  const blobs = new FileBlobStore(new Layout(rootDir), { minimumFreeSpace: 0, cacheBytes: 0 });
  let writer: UploadWriter | undefined;
  const answer = async (call: UploadThreadCall): Promise<unknown> => {
    if (call.kind === "open") {
      writer = await blobs.openUpload(call.id, call.algorithm);
      return writer?.offset;
    }
    if (writer === undefined) throw new Error(`${call.kind} without a writer`);
    switch (call.kind) {
      case "append":
        return await writer.append(call.bytes);
      case "digest":
        return await writer.digest(call.algorithm);
      case "promote":
        return await writer.promote(call.digest);
      case "close":
        return await writer.close();
    }
  };
  thread.onmessage = ({ data }: MessageEvent<UploadThreadCall>) => {
    answer(data).then((value) => thread.postMessage({ value }), (error) => thread.postMessage({ error }));
  };
};
