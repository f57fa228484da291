/** A folder of whoever gives a command, read by the server through the control socket with the caller's rights. */
import { SourceFault } from "../core/source_fault.ts";
import type { FileEntry, FileTree } from "../ports/file_tree.ts";
import { type AnswerBuffer, readForServer, readInParts, type ReadQuestion, roomIn } from "./caller_file.ts";
import { CallerFault, type CallerQuestions } from "./caller_questions.ts";

/** Bytes of a listing: a folder of some 500,000 names. */
const LONGEST_LISTING = 64 * 1024 * 1024;

/** What the caller is asked, in the member "tree" of a line. */
export type TreeQuestion =
  | { readonly list: string }
  | { readonly sizeOf: string }
  | { readonly read: string; readonly part: ReadQuestion };

/** The server's end. */
export class CallerTree implements FileTree {
  readonly #questions: CallerQuestions;

  constructor(questions: CallerQuestions) {
    this.#questions = questions;
  }

  async list(path: string): Promise<readonly FileEntry[] | undefined> {
    return await this.#askJson({ list: path });
  }

  async sizeOf(path: string): Promise<number | undefined> {
    return await this.#askJson({ sizeOf: path });
  }

  read(path: string, at: number, target: Uint8Array): Promise<number> {
    return readInParts(at, target, async (part, room) => {
      const bytes = await this.#ask({ read: path, part }, roomIn(room));
      return bytes?.length ?? 0;
    });
  }

  async #askJson<T>(question: TreeQuestion): Promise<T | undefined> {
    const bytes = await this.#ask(question, (size) => {
      return size <= LONGEST_LISTING ? new Uint8Array(size) : undefined;
    });
    return bytes && JSON.parse(new TextDecoder().decode(bytes));
  }

  async #ask(
    question: TreeQuestion,
    room: (size: number) => Uint8Array | undefined,
  ): Promise<Uint8Array | undefined> {
    try {
      return await this.#questions.ask({ tree: question }, room);
    } catch (error) {
      throw error instanceof CallerFault ? new SourceFault(error.message) : error;
    }
  }
}

/** The caller's end. What leads out of the folder is refused by the tree itself, whoever asks for it. */
export async function answerForTree(
  tree: FileTree,
  question: TreeQuestion,
  buffer: AnswerBuffer,
): Promise<Uint8Array | undefined> {
  if ("list" in question) return inJson(await tree.list(question.list));
  if ("sizeOf" in question) return inJson(await tree.sizeOf(question.sizeOf));
  return await readForServer(question.part, buffer, (at, target) => tree.read(question.read, at, target));
}

function inJson(value: unknown): Uint8Array | undefined {
  return value === undefined ? undefined : new TextEncoder().encode(JSON.stringify(value));
}
