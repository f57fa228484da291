/** Why an address cannot be listened on, in words, and what to do. */

/** @param reason the system's, such as "listen EADDRINUSE: address already in use" or "Permission denied (os error 13)" */
export function describeListenFault(reason: string, address: string, port: number): string {
  const at = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  if (/EADDRINUSE|os error 98\b/.test(reason)) {
    return `Cannot listen at ${at}: another program listens there. Stop it, or choose another [server] port`;
  }
  if (/EADDRNOTAVAIL|os error 99\b/.test(reason)) {
    return `Cannot listen at ${at}: this machine has no such address. Choose another [server] bind_address`;
  }
  if (/EACCES|os error 13\b/.test(reason)) {
    return `Cannot listen at ${at}: the system does not let this user. Ports below 1024 need CAP_NET_BIND_SERVICE; ` +
      `choose another [server] port`;
  }
  return `Cannot listen at ${at}: ${reason}`;
}
