/** What went wrong with work whose fault another thread is told of. */

/** Resolves to the reason as text, with the place where it arose; to undefined where the work was done. */
export async function faultOf(work: () => void | Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return (error as Error).stack ?? String(error);
  }
}
