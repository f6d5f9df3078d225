/** Whether an address leads to the computer that opens it: RFC 6761 §6.3, RFC 1122 §3.2.1.3. */
export function isLoopbackUrl(url: string): boolean {
  const { hostname } = new URL(url);
  return /(^|\.)localhost$/.test(hostname) || /^127(\.\d+){3}$/.test(hostname) || hostname === '[::1]';
}
