/** Kills a registry before every step of what it does, again and again. `--rounds N`, 20 by default. */
import { parseArgs } from "node:util";
import { dieAtEveryStep } from "../faults/every_step_check.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" } } });
console.log(await dieAtEveryStep({ rounds: Number(values.rounds), clients: 8 }));
