/** Everything at once for a long time: memory, descriptors and times stay flat. `--seconds N`, an hour by default. */
import { parseArgs } from "node:util";
import { checkLongRun } from "../load/long_run_check.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "3600" } } });
console.log(await checkLongRun({ seconds: Number(values.seconds), pushers: 3, readers: 4 }, console.log));
