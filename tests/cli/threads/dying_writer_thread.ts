/** The writer thread of the program, except that a message lets it die. */
import "../../../src/cli/threads/writer_thread.ts";

new BroadcastChannel("end the writer thread").onmessage = () => {
  throw new Error("ended by a test");
};
