/** A thread that does nothing: how late its timers come is the machine's doing. */
import { probeLoop } from "./loop_probe.ts";

probeLoop("idle");
(self as unknown as { postMessage(message: string): void }).postMessage("ready");
