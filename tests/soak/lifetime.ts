/** Random lives of a registry: pushes, deletes, restarts, clocks that are set, collections and retention against a model. `--lives N`, 1,000 by default. */
import { parseArgs } from "node:util";
import { checkLifetimes } from "../lifetime/check.ts";

const { values } = parseArgs({ options: { lives: { type: "string", default: "1000" } } });
console.log(await checkLifetimes(Number(values.lives), 150));
