/** What the documents tell people to type does what the documents say. */
import { inTries } from "../harness/tries.ts";
import { PageRunner } from "./page_runner.ts";
import { readPages } from "./markdown.ts";
import { testWith } from "../harness/real_clients.ts";

const test = testWith({ programs: ["openssl", "curl"] });

for (const page of readPages()) {
  if (!page.blocks.some(({ language, words }) => language === "sh" && words[0] === "run")) continue;
  // The port that a page gets was free when it was looked for, and anybody may have taken it since.
  test(
    `every command of ${page.path} that is marked to run prints what the page shows`,
    inTries(async () => {
      await using runner = await PageRunner.open(page);
      for (const [index, block] of page.blocks.entries()) await runner.run(block, page.blocks[index + 1]);
    }),
  );
}
