/** The first HTTP thread of a server listens and accepts nothing; those that replace it are the program's. */
import "../../../src/cli/threads/http_thread.ts";

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
};

const listen = thread.onmessage;
thread.onmessage = (event) => {
  const [{ at }] = event.data.openings;
  if (at.port !== 0) {
    listen(event);
    return;
  }
  const { port } = Deno.listen({ hostname: "127.0.0.1", port: 0, reusePort: true }).addr;
  thread.onmessage = () => thread.postMessage({ kind: "drained" });
  thread.postMessage({ kind: "listening", places: [{ ...at, port }] });
};
