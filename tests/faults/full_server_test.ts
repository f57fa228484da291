/** A server whose disk another program fills refuses what is new, and takes it once there is room, without a restart. */
import { runOnSmallDisk } from "../harness/run_on_small_disk.ts";

Deno.test("a server on a full disk answers 507 to every push, reads and deletes on, and heals by itself", () =>
  runOnSmallDisk("256m", new URL("./full_server_scenario.ts", import.meta.url)));
