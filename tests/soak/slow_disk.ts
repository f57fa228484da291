/** Eight clients push 1 GiB each over mTLS to a disk that takes 5 MB/s: memory stays small. Takes a minute. */
import { checkSlowDisk } from "../load/slow_disk_check.ts";

console.log(await checkSlowDisk({ clients: 8, blobSize: 1024 ** 3, seconds: 60, mostMemory: 300e6 }));
