/** The proxies through which other hosts are reached, as addresses. NO_PROXY is read by their user. */
export interface OutboundProxies {
  httpProxy?: string;
  httpsProxy?: string;
}

/**
 * The proxies that the environment names, as curl reads them: in either case, with or without a
 * scheme; an empty one is none. `invalid` is the name of one that is not an address.
 */
export function outboundProxies(
  env: Readonly<Record<string, string | undefined>> = process.env,
): OutboundProxies | { invalid: string } | undefined {
  const found: OutboundProxies = {};
  for (const [key, lower, upper] of NAMES) {
    const value = env[lower] || env[upper];
    if (value === undefined || value === '') continue;
    const url = value.includes('://') ? value : `http://${value}`;
    if (!URL.canParse(url)) return { invalid: upper };
    found[key] = url;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

const NAMES = [
  ['httpProxy', 'http_proxy', 'HTTP_PROXY'],
  ['httpsProxy', 'https_proxy', 'HTTPS_PROXY'],
] as const;
