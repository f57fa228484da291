/** Questions to another thread and its answers, over a message port. */
import { type FaultMessage, faultMessageOf, faultOf } from "../../core/fault_message.ts";

interface Asked<Q> {
  readonly number: number;
  readonly question: Q;
}

type Answered<A> =
  | { readonly number: number; readonly answer: A }
  | { readonly number: number; readonly fault: FaultMessage };

/** The asking end. */
export class PortCalls<Q, A> {
  readonly #port: MessagePort;
  readonly #thread: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<A>>();
  #next = 0;

  /** @param thread its name, for the log */
  constructor(port: MessagePort, thread: string) {
    this.#port = port;
    this.#thread = thread;
    port.onmessage = ({ data }: MessageEvent<Answered<A>>) => {
      const waiting = this.#waiting.get(data.number);
      this.#waiting.delete(data.number);
      if ("fault" in data) waiting?.reject(faultOf(data.fault, this.#thread));
      else waiting?.resolve(data.answer);
    };
  }

  /**
   * @param transfer buffers in the question that are given away
   * @throws what was thrown there: an OciError, or an Error with the message and the stack
   */
  call(question: Q, transfer: ArrayBuffer[] = []): Promise<A> {
    const waiting = Promise.withResolvers<A>();
    const number = this.#next++;
    this.#port.postMessage({ number, question } satisfies Asked<Q>, transfer);
    this.#waiting.set(number, waiting);
    return waiting.promise;
  }
}

/**
 * The answering end.
 *
 * @param transferOf buffers and ports in an answer that are given away
 */
export function answerCalls<Q, A>(
  port: MessagePort,
  answer: (question: Q) => Promise<A>,
  transferOf: (answer: A) => (ArrayBufferLike | MessagePort)[] = () => [],
): void {
  port.onmessage = async ({ data }: MessageEvent<Asked<Q>>) => {
    const { number } = data;
    try {
      const found = await answer(data.question);
      const transfer = transferOf(found) as Transferable[];
      port.postMessage({ number, answer: found } satisfies Answered<A>, transfer);
    } catch (error) {
      port.postMessage({ number, fault: faultMessageOf(error) } satisfies Answered<A>);
    }
  };
}

/** Message to a thread that answers calls: one more port that they will come from. */
export interface ServeCalls {
  readonly port: MessagePort;
}

/** A new way to a thread that waits for {@linkcode ServeCalls}. */
export function openCalls(worker: Worker): MessagePort {
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ port: port2 } satisfies ServeCalls, [port2]);
  return port1;
}
