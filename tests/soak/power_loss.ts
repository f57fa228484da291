/** Cuts the power of a server at thousands of moments. `--rounds N`, 10 by default, each with a record of its own. */
import { parseArgs } from "node:util";
import { cutThePower } from "../faults/power_loss_check.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "10" } } });
for (let round = 0; round < Number(values.rounds); round++) {
  console.log(await cutThePower({ clients: 8, steps: 60, cuts: 500 }));
}
