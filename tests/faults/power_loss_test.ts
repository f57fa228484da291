/** A power cut takes back what was not synced: never an answered write. */
import { cutThePower } from "./power_loss_check.ts";

Deno.test("a server whose power is cut has all that it had answered, whatever else reached the disk", async () => {
  await cutThePower({ clients: 3, steps: 40, cuts: 150 });
});
