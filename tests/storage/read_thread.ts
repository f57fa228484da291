/** Entry of a thread that reads a database without a pause, for tests of what that does to the writer. */
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import { repo, tag } from "./temp_storage.ts";

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
};

thread.onmessage = ({ data: path }: MessageEvent<string>) => {
  const reader = new SqliteReader(openForReading(path), { cacheBytes: 0 });
  const read = (): void => {
    for (let i = 0; i < 200; i++) {
      reader.findManifest(repo("a"), { kind: "tag", tag: tag("v1") });
      reader.listTags(repo("a"), { limit: 10 });
    }
    setTimeout(read, 0);
  };
  read();
  thread.postMessage("reading");
};
