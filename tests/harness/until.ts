/** Waits for what tells nobody when it happens. */

/** How long a test waits before it calls it stuck, in ms: so long that no busy machine comes near. */
const PATIENCE_MS = 60_000;

const LOOK_EVERY_MS = 5;

/**
 * Resolves when `holds` does.
 *
 * @param describe what is the case instead, for the error
 * @throws {Error} when a minute was not enough, or what `holds` throws
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  describe: () => string = () => "",
): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; !await holds();) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${holds}: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
