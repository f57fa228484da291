/** Collections in the midst of pushes: nothing that was told is lost, nothing that nobody needs is left. `--operations N`, 100,000 by default. */
import { parseArgs } from "node:util";
import { checkCollectRace } from "../load/collect_race_check.ts";

const { values } = parseArgs({ options: { operations: { type: "string", default: "100000" } } });
console.log(await checkCollectRace(Number(values.operations)));
