/** Tests that hold the program to times: what it does is the same each time, what the machine does meanwhile is not. */

const TRIES = 3;

/**
 * A test that passes when one of three runs does, each from the start; a bound that the program does not keep fails them all.
 * For tests that measure time, or whose clients have to be quick, and for no others: what may fail by chance is a fault.
 *
 * @returns the test, which throws what the last run threw, and prints why those before it did not do
 */
export function inTries<Args extends unknown[]>(
  run: (...args: Args) => void | Promise<void>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    for (let number = 1; number < TRIES; number++) {
      try {
        return await run(...args);
      } catch (error) {
        console.error(`try ${number} of ${TRIES} failed:`, error);
      }
    }
    await run(...args);
  };
}
