/** A hundred reloads under load. Half a minute. */
import { checkReload } from "../load/reload_check.ts";

console.log(await checkReload(100));
