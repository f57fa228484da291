/** Writes the DER encodings that an X.509 certificate is made of. */

/** One encoded value: tag, length, and the parts one after the other. */
export function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const lengthBytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) lengthBytes.unshift(rest % 256);
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | lengthBytes.length, ...lengthBytes];
  return concatenate([Uint8Array.from(head), ...parts]);
}

/** All parts as one array. */
export function concatenate(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

export function derSequence(...parts: Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

export function derSet(...parts: Uint8Array[]): Uint8Array {
  return der(0x31, ...parts);
}

export function derBoolean(value: boolean): Uint8Array {
  return der(0x01, Uint8Array.of(value ? 0xff : 0x00));
}

/** A non-negative integer from its big-endian bytes. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const minimal = bytes.subarray(start);
  const needsZero = (minimal[0] ?? 0) >= 0x80;
  return der(0x02, needsZero ? Uint8Array.of(0) : new Uint8Array(0), minimal);
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return der(0x04, bytes);
}

/** A bit string; `unusedBits` counts those at the end of the last byte. */
export function derBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return der(0x03, Uint8Array.of(unusedBits), bytes);
}

export function derUtf8String(text: string): Uint8Array {
  return der(0x0c, new TextEncoder().encode(text));
}

/** An object identifier from its dotted text, such as "2.5.4.3". */
export function derObjectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const group = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      group.unshift(0x80 | (left % 128));
    }
    bytes.push(...group);
  }
  return der(0x06, Uint8Array.from(bytes));
}

/** A time in the form that RFC 5280 section 4.1.2.5 asks for: UTCTime before 2050, GeneralizedTime after. */
export function derTime(time: Date): Uint8Array {
  const digits = time.toISOString().replace(/[-:T]/g, "").slice(0, 14) + "Z";
  const encoder = new TextEncoder();
  return time.getUTCFullYear() < 2050
    ? der(0x17, encoder.encode(digits.slice(2)))
    : der(0x18, encoder.encode(digits));
}
