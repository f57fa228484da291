/** A full disk refuses what is new, keeps what is there readable and deletable, and is forgotten once there is room. */
import { runOnSmallDisk } from "../harness/run_on_small_disk.ts";

Deno.test("a database that finds no room at the start says so, with its path, and opens when there is some", () =>
  runOnSmallDisk("2m", new URL("./full_start_scenario.ts", import.meta.url)));

Deno.test("the storage goes through a full disk of 8 MiB without losing anything", () =>
  runOnSmallDisk("8m", new URL("./full_disk_scenario.ts", import.meta.url)));
