/** simple-registry: a container registry in one program. Everything is in src/; start reading at src/cli/main.ts. */
import { main } from "./src/cli/main.ts";

Deno.exit(await main(Deno.args));
