/** Shows on a terminal how far long work is, on one line that is written over; shows nothing elsewhere. */
import type { Progress } from "../../server/control_socket.ts";
import { formatSize } from "../../core/format_size.ts";

/** Characters between the brackets. */
const WIDTH = 30;

/** ms over which the speed is told. */
const SPEED_WINDOW_MS = 5000;

export interface Terminal {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const STDERR: Terminal = {
  isTerminal: Deno.stderr.isTerminal(),
  write: (text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)),
};

export class ProgressBar implements Disposable {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  /** What was done when; of the last seconds. */
  #past: { readonly at: number; readonly done: number }[] = [];
  #what = "";
  #isShown = false;

  /** @param now monotonic ms */
  constructor(terminal: Terminal = STDERR, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
  }

  show(progress: Progress): void {
    if (!this.#terminal.isTerminal) return;
    if (progress.what !== this.#what) this.#past = [];
    this.#what = progress.what;
    this.#past.push({ at: this.#now(), done: progress.done });
    this.#past = this.#past.filter(({ at }) => this.#now() - at <= SPEED_WINDOW_MS);
    this.#terminal.write(`\r\x1b[K${describe(progress, this.#speed())}`);
    this.#isShown = true;
  }

  /** Takes the line away, so that text can follow. */
  [Symbol.dispose](): void {
    if (this.#isShown) this.#terminal.write("\r\x1b[K");
    this.#isShown = false;
  }

  /** Per second; undefined while nothing can be said. */
  #speed(): number | undefined {
    const [first, last] = [this.#past[0], this.#past.at(-1)];
    if (first === undefined || last === undefined || last.at - first.at < 500) return undefined;
    return (last.done - first.done) / (last.at - first.at) * 1000;
  }
}

function describe({ what, done, total, unit }: Progress, speed: number | undefined): string {
  const amount = (value: number): string => {
    const whole = Math.round(value);
    return unit === "bytes" ? formatSize(whole) : String(whole);
  };
  if (total === undefined) return `${what} ${amount(done)}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(share * WIDTH);
  const bar = `[${"#".repeat(full)}${".".repeat(WIDTH - full)}] ${Math.floor(share * 100)} %`;
  const rest = speed === undefined ? "" : `, ${amount(speed)}/s${leftOf(total - done, speed)}`;
  return `${what} ${bar} ${amount(done)} of ${amount(total)}${rest}`;
}

function leftOf(rest: number, speed: number): string {
  if (speed <= 0) return "";
  const seconds = Math.ceil(rest / speed);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return `, ${text} left`;
}
