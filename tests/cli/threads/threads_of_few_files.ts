/** Entry of a process with the threads of a server that looks often whether they accept. Prints the port, and the log. */
import { Scrape } from "../../../src/cli/facts/scrape.ts";
import { BUILT_IN } from "../../../src/config/load_config.ts";
import { JsonLog } from "../../../src/server/json_log.ts";
import { urlOf } from "../../../src/cli/place_url.ts";
import { Threads } from "../../../src/cli/threads/threads.ts";
import { listenerAt } from "../../config/listening_at.ts";

const rootDir = Deno.args[0]!;
const write = (lines: string): void => void Deno.stdout.writeSync(new TextEncoder().encode(lines));
const log = new JsonLog(write, "info");
const threads = new Threads(
  {
    settings: {
      ...BUILT_IN,
      server: { ...BUILT_IN.server, listeners: [listenerAt("127.0.0.1", 0)] },
      blobStore: { ...BUILT_IN.blobStore, rootDir },
    },
    logLevels: { everything: "info", auth: "info", audit: "info" },
    log,
    scrape: new Scrape(),
    writeLog: write,
    onFatal: (reason) => log.error("cannot go on", { reason }),
    watchTimes: { everyMs: 200, patienceMs: 300 },
  },
  1,
);
log.info("listening", { url: urlOf((await threads.start())[0]!) });
