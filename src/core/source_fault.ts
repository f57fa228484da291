/** What is wrong with content that an import reads elsewhere: that piece stays where it is, and the rest comes. */

/** The message says in one sentence what was found instead of what; it holds nothing of a file's content. */
export class SourceFault extends Error {
  override readonly name = "SourceFault";
}
