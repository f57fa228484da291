/** Checks the names of the configured repositories: each in the grammar, none inside another. */
import { OciError } from "../core/oci_error.ts";
import { parseRepositoryName } from "../core/repository_name.ts";
import { type Problem, problemAt } from "./config_error.ts";
import type { Place } from "./document.ts";
import type { RepositorySettings } from "./settings.ts";

interface NamedTable {
  readonly name: string;
  readonly at: Place;
}

/** Settings of each repository. Names inside one another would leave open which table holds for a push. */
export function checkRepositories(tables: readonly NamedTable[], problems: Problem[]): RepositorySettings[] {
  const places = new Map(tables.map((table) => [table.name, table.at]));
  const repositories: RepositorySettings[] = [];
  for (const { name, at } of tables) {
    const path = ["repository", name];
    const outer = outerNames(name).find((candidate) => places.has(candidate));
    if (outer !== undefined) {
      const { file, line } = places.get(outer)!;
      const message =
        `lies inside [repository."${outer}"] (${file}:${line}), and one repository can have one table only`;
      problems.push(problemAt(at, path, message));
    }
    try {
      repositories.push({ name: parseRepositoryName(name) });
    } catch (fault) {
      if (!(fault instanceof OciError)) throw fault;
      problems.push(problemAt(at, path, fault.message));
    }
  }
  return repositories;
}

/** `a` and `a/b` of `a/b/c`. */
function outerNames(name: string): string[] {
  const components = name.split("/");
  return components.slice(1).map((_, index) => components.slice(0, index + 1).join("/"));
}
