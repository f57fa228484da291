/** The program, on a disk that takes no more than {@linkcode SLOW_DISK} bytes a second. Takes the place of main.ts in tests. */
import { main } from "../../src/cli/main.ts";

const ThreadOfProgram = Worker;

/** HTTP threads begin in a file of ours, which makes their writes slow. */
class ThreadOnSlowDisk extends ThreadOfProgram {
  constructor(entry: URL, options: WorkerOptions) {
    const isHttp = entry.href.endsWith("/src/cli/threads/http_thread.ts");
    super(isHttp ? new URL("./slow_disk_http_thread.ts", import.meta.url) : entry, options);
  }
}

globalThis.Worker = ThreadOnSlowDisk as typeof Worker;
Deno.exit(await main(Deno.args));
