/** Long work gives the thread away between its pieces. */

/** A promise that is there already would let nobody pass: only a timer ends the thread's turn. */
export function letOthersRun(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
