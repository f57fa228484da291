/** Scrubs 8 GiB in 200,000 real files, beside a server that answers. Takes some minutes, most of them to write the files. */
import { checkScrubOfFiles } from "../load/scrub_files_check.ts";

console.log(await checkScrubOfFiles({ count: 200_000, size: 42_950 }));
