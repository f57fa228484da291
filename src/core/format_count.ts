/** Numbers of things for people: `1 tag`, `2 tags`. */

export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
