/** The HTTP thread of the program, except that a message lets it die. */
import "../../../src/cli/threads/http_thread.ts";

new BroadcastChannel("end an HTTP thread").onmessage = () => {
  throw new Error("ended by a test");
};
