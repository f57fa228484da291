/** The writer thread of the program, except that it dies at the step that was chosen. */
import { hearChoice, watchTransactions } from "./steps.ts";
import "../../src/cli/threads/writer_thread.ts";

hearChoice();
watchTransactions();
