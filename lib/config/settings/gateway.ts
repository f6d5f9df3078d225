import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { flag, httpUrl, httpUrls, MAX_MS, secret, wholeNumber } from '#lib/config/settings/value-schemas';

const httpOrigin = () =>
  httpUrl()
    .transform((url) => new URL(url))
    .refine(
      ({ href, origin }) => href === `${origin}/`,
      'must be a scheme, a host and perhaps a port, without a path: https://backend.example',
    )
    .optional();

/**
 * The gateway adds nothing to a backend's URL: credentials are in HF_TOKEN, the query is the
 * client's.
 */
export const backendUrls = () =>
  httpUrls().refine(
    (all) => all.every(isBareUrl),
    'must be without credentials, query and fragment: a token belongs into HF_TOKEN',
  );

const bearerToken = () =>
  z
    .string()
    .regex(/^[\x21-\x7e]{8,}$/, 'must be at least 8 visible ASCII characters without spaces')
    .pipe(secret())
    .optional();

const urlPath = () =>
  z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'must be a path that begins with /')
    .optional();

function isBareUrl(url: string): boolean {
  return !/^[^/]*\/\/[^/]*@|[?#]/.test(url);
}

export const GATEWAY_SETTINGS = {
  PRIVATE_BACKEND_URL: setting(
    backendUrls(),
    '',
    'Where everything goes that the app does not serve itself; several backends comma-separated.',
  ),
  HF_TOKEN: setting(bearerToken(), undefined, 'Token that the backend is shown as Authorization: Bearer.'),
  GATEWAY_POOL_SIZE: setting(
    wholeNumber(1, 10_000),
    '50',
    'Connections to each backend; more requests wait for one. WebSockets are not counted.',
  ),
  GATEWAY_KEEP_ALIVE_MS: setting(wholeNumber(1, MAX_MS), '90000', 'How long an idle connection is kept.'),
  GATEWAY_TIMEOUT_MS: setting(
    wholeNumber(1, MAX_MS),
    '60000',
    'Longest wait for the start of an answer, and longest silence within a body.',
  ),
  GATEWAY_ORIGIN: setting(
    httpOrigin(),
    undefined,
    "Origin of its own for the gateway, as https://backend.example or http://gateway.localhost:3000, with a host name that leads here too. Recommended: without it the backend's pages share the app's origin, and can do all that its visitors can.",
  ),
  GATEWAY_SANDBOX: setting(
    flag(),
    'false',
    "Show the backend's pages in an opaque origin (Content-Security-Policy: sandbox): their scripts run, without cookies and storage.",
  ),
  GATEWAY_MAX_QUEUE: setting(
    wholeNumber(0, 100_000),
    '1000',
    'Requests that may wait for a connection to a backend; one more gets 503.',
  ),
  GATEWAY_MAX_WEBSOCKETS: setting(
    wholeNumber(0, 100_000),
    '1000',
    'WebSockets that may be open; a client may hold four for each that is free, and one more gets 503.',
  ),
  GATEWAY_MIN_BYTES_PER_SECOND: setting(
    wholeNumber(0, 1_000_000),
    '240',
    'Slowest upload, and slowest reading of an answer, that keeps its connection to a backend; 0 is no limit.',
  ),
  GATEWAY_HEALTH_PATH: setting(
    urlPath(),
    undefined,
    'Path that is asked whether a backend is well (below 500 is). Default: whether it takes a connection.',
  ),
};
