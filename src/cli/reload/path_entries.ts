/** Which entries of which folders decide what a path leads to. */
import { dirname, isAbsolute, resolve } from "node:path";

/** As many links as Linux follows on one path (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Every symbolic link that `path` goes through, and at its end the file itself or the first entry that is missing, each as a
 * path in a real folder. Whoever watches these folders sees a file replaced, and also a link on the way to it pointed
 * elsewhere: Kubernetes renews a mounted secret by renaming a link `..data` over the former one.
 */
export function entriesOnPath(path: string): string[] {
  const entries: string[] = [];
  // Not made shorter: what ".." leads to is known only where the links before it were followed.
  const names = namesOf(isAbsolute(path) ? path : `${Deno.cwd()}/${path}`);
  let folder = "/";
  for (let links = 0; links <= MOST_LINKS;) {
    const name = names.shift();
    if (name === undefined) break;
    if (name === "..") {
      folder = dirname(folder);
      continue;
    }
    const entry = resolve(folder, name);
    const found = lookAt(entry);
    if (found === "file" && names.length > 0) folder = entry;
    else entries.push(entry);
    if (found === "missing") break;
    if (found === "file") continue;
    links++;
    if (isAbsolute(found.target)) folder = "/";
    names.unshift(...namesOf(found.target));
  }
  return entries;
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function lookAt(entry: string): "file" | "missing" | { readonly target: string } {
  try {
    return Deno.lstatSync(entry).isSymlink ? { target: Deno.readLinkSync(entry) } : "file";
  } catch {
    // What cannot be looked at is as good as missing: it may come.
    return "missing";
  }
}
