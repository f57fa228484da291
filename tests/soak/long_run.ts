/** Everything at once for a long time: memory, descriptors and times stay flat. `--seconds N`, an hour by default. */
import { parseArgs } from "node:util";
import { checkLongRun } from "../load/long_run_check.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "3600" } } });
const seconds = Number(values.seconds);
console.log(await checkLongRun({ seconds, pushers: 3, readers: 4, rests: true }, console.log));
