/** The HTTP thread of the program, except that it measures its event loop. */
import "../../src/cli/threads/http_thread.ts";
import { probeLoop } from "./loop_probe.ts";

probeLoop("http");
