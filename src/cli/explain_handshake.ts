/** Why a connection or its TLS handshake failed, in the words of the person who has to mend it. */

export interface HandshakeWords {
  /** Whose certificate it is, such as "the registry's". */
  readonly whose: string;
  /** As messages name it: `host` or `host:port`. */
  readonly host: string;
  /** Host without its port. */
  readonly name: string;
  /** What follows "certificate" when it does not lead to a CA that is trusted. */
  readonly unknownCa: string;
}

/** The runtime's error in one sentence; its own words where nothing better is known. */
export function explainHandshake(
  { message, code }: Error & { code?: string },
  { whose, host, name, unknownCa }: HandshakeWords,
): string {
  const text = `${message} ${code}`;
  if (/NotValidForName|ALTNAME/i.test(text)) {
    return `${whose} certificate does not name ${name}: use a name that it holds, or issue it with that name`;
  }
  if (/UnknownIssuer|UNABLE_TO|SELF_SIGNED|unable to get/i.test(text)) {
    return `${whose} certificate ${unknownCa}`;
  }
  if (/expired/i.test(message)) return `${whose} certificate has expired`;
  if (code === "ECONNREFUSED" || /refused/i.test(message)) return `nothing listens at ${host}`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `the name ${name} is not known: check DNS`;
  return message;
}
