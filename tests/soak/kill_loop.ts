/** Kills a registry under load again and again; nothing that it acknowledged may be lost. `--cycles N`, 500 by default. */
import { parseArgs } from "node:util";
import { killUnderLoad } from "../faults/kill_loop_check.ts";

const { values } = parseArgs({ options: { cycles: { type: "string", default: "500" } } });
console.log(await killUnderLoad({ cycles: Number(values.cycles), clients: 8 }));
