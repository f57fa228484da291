/** A file system that can hold no further file is full, whatever room it has. */
import { runOnSmallDisk } from "../harness/run_on_small_disk.ts";

Deno.test("a disk without a free inode: pushes are 507, reads and deletes go on, and a delete makes room for a push", () =>
  runOnSmallDisk("256m,nr_inodes=600", new URL("./no_inodes_scenario.ts", import.meta.url)));
