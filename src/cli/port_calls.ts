/** Questions to another thread and its answers, over a message port. */

interface Asked<Q> {
  readonly number: number;
  readonly question: Q;
}

type Answered<A> =
  | { readonly number: number; readonly answer: A }
  | { readonly number: number; readonly fault: string };

/** The asking end. */
export class PortCalls<Q, A> {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, PromiseWithResolvers<A>>();
  #next = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<Answered<A>>) => {
      const waiting = this.#waiting.get(data.number);
      this.#waiting.delete(data.number);
      if ("fault" in data) waiting?.reject(new Error(data.fault));
      else waiting?.resolve(data.answer);
    };
  }

  /** @throws {Error} with the other side's message when it failed there */
  call(question: Q): Promise<A> {
    const waiting = Promise.withResolvers<A>();
    const number = this.#next++;
    this.#port.postMessage({ number, question } satisfies Asked<Q>);
    this.#waiting.set(number, waiting);
    return waiting.promise;
  }
}

/** The answering end. */
export function answerCalls<Q, A>(port: MessagePort, answer: (question: Q) => Promise<A>): void {
  port.onmessage = async ({ data }: MessageEvent<Asked<Q>>) => {
    const { number } = data;
    try {
      port.postMessage({ number, answer: await answer(data.question) } satisfies Answered<A>);
    } catch (error) {
      port.postMessage({ number, fault: (error as Error).stack ?? String(error) } satisfies Answered<A>);
    }
  };
}
