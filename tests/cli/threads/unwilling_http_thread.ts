/** An HTTP thread that listens as the program's does, dies, and cannot listen again: the port is taken from it. */
const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
};

thread.onmessage = ({ data }) => {
  const [{ at }] = data.openings;
  if (at.port === 0) thread.postMessage({ kind: "listening", places: [{ ...at, port: 1 }] });
  else thread.postMessage({ kind: "failed", reason: "listen EADDRINUSE: address already in use" });
};

new BroadcastChannel("end an HTTP thread").onmessage = () => {
  throw new Error("ended by a test");
};
