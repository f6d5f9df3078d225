import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { authMode } from '#lib/config/auth-mode';
import { type Config, listenHost } from '#lib/config/config';
import { isLoopback } from '#lib/config/loopback';
import { AppError } from '#lib/errors';

/**
 * Host check against DNS rebinding. A web page may point its own name at an address of this
 * machine, and the browser then sends requests here that look like the page's own. Such a request
 * still names the page's host.
 *
 * Applies only while no key is needed: such a page has neither a key nor a cookie of this server.
 */

/** Cache of the last host that passed: nearly all requests name the same one. */
let lastHost: string | null | undefined;
let lastSettings: Config | undefined;

/**
 * Returns the error that refuses a request by its `Host` header, or undefined if it may be served.
 *
 * Without `API_KEYS` these hosts are served: `localhost`, `*.localhost`, loopback, the machine's
 * addresses and name, `HOST`, the host of `GATEWAY_ORIGIN`, and `ALLOWED_HOSTS`. A request without
 * `Host` (HTTP/1.0) is refused too, because a proxy may have dropped the name. With `API_KEYS` the
 * header only has to be well formed (RFC 9110 section 7.2).
 */
export function checkHost(host: string | null | undefined, settings: Config): AppError | undefined {
  if (host === lastHost && settings === lastSettings) return undefined;
  const error = validate(host ?? undefined, settings);
  if (error === undefined) {
    lastHost = host;
    lastSettings = settings;
  }
  return error;
}

/** Whether a `Host` header, with or without a port, names loopback: `*.localhost` too. */
export function isLoopbackHost(host: string): boolean {
  const name = hostnameOf(host);
  return name !== undefined && isLoopback(name);
}

/** Whether the server listens on loopback only. */
export function listensOnLoopback(settings: Config): boolean {
  return isLoopback(listenHost(settings));
}

function validate(host: string | undefined, settings: Config): AppError | undefined {
  const name = host === undefined ? undefined : hostnameOf(host);
  if (host !== undefined && name === undefined)
    return new AppError('invalid_request', 'The Host header of this request is not the name of a host.');
  if (authMode(settings) !== 'none' || isServed(name, settings)) return undefined;
  const named = name === undefined ? 'this request names no host' : `this request names ${name.slice(0, 100)}`;
  return new AppError(
    'host_not_allowed',
    `Without API_KEYS this server accepts only localhost and this machine's own addresses, and ${named}. Add the name to ALLOWED_HOSTS, or set API_KEYS.`,
  );
}

function isServed(name: string | undefined, settings: Config): boolean {
  const { ALLOWED_HOSTS: allowed, HOST: own, GATEWAY_ORIGIN: gateway } = settings;
  if (allowed.includes('*')) return true;
  if (name === undefined) return false;
  if (gateway !== undefined && name === hostnameOf(gateway.host)) return true;
  if (isLoopback(name) || allowed.some((pattern) => matches(name, pattern))) return true;
  // Interfaces change while the server runs, so they are read for each unknown host.
  if (isIP(name) !== 0) return ownAddresses().has(name) || (own !== undefined && hostnameOf(bracketed(own)) === name);
  return name === hostnameOf(hostname());
}

/** `*.example.org` matches every name below example.org, but not example.org. */
function matches(name: string, allowed: string): boolean {
  return allowed.startsWith('*.') ? name.endsWith(allowed.slice(1)) : name === allowed;
}

/**
 * Returns the normalized host name of a `Host` header: lower case, without port, brackets and
 * final dot, IPv6 compressed as in RFC 5952. Undefined if the header is malformed.
 */
export function hostnameOf(host: string): string | undefined {
  const [, name, address] = /^(?:([A-Za-z0-9._~%!$&'()*+,;=-]+)|\[([0-9A-Fa-f:.]+)\])(?::\d*)?$/.exec(host) ?? [];
  if (name !== undefined) return name.toLowerCase().replace(/\.$/, '');
  return address === undefined || isIP(address) !== 6 ? undefined : canonical(address);
}

function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function bracketed(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}

function ownAddresses(): Set<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(all.map(({ address }) => canonical(address)));
}
