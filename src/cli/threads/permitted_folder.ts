/** How a folder is named in the permissions of a thread. */

/**
 * The folder as people write it, and where it is behind symbolic links: the runtime looks at both, and a service of systemd
 * with a user of the moment has its folder behind one (systemd.exec(5), DynamicUser).
 *
 * @throws {Deno.errors.NotFound} where there is no such folder
 */
export function permittedFolder(path: string): string[] {
  return [...new Set([path, Deno.realPathSync(path)])];
}
