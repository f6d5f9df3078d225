/** Addresses of the proxies for outbound requests. undici reads NO_PROXY itself. */
export interface OutboundProxies {
  httpProxy?: string;
  httpsProxy?: string;
}

/**
 * The proxies of the environment, as curl reads them: lower case before upper case, with or
 * without a scheme. `invalid` is the name of a variable that is no address.
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
