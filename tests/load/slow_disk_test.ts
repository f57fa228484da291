/** Memory of pushes that the disk does not keep up with, in short. `make soak` has the minute that is promised. */
import { testWith } from "../harness/real_clients.ts";
import { inTries } from "../harness/tries.ts";
import { checkSlowDisk } from "./slow_disk_check.ts";

testWith({ programs: ["curl"] })(
  "8 clients that push 1 GiB each over mTLS to a disk of 5 MB/s leave the registry below 300 MB",
  inTries(async () => {
    await checkSlowDisk({ clients: 8, blobSize: 1024 ** 3, seconds: 8, mostMemory: 300e6 });
  }),
);
