/** The HTTP thread of the program, except that it dies at the step that was chosen. */
import { hearChoice, watchFiles } from "./steps.ts";
import "../../src/cli/threads/http_thread.ts";

hearChoice();
watchFiles("http");
