/**
 * For a container's health check: ends with 0 if the server of these settings responds on its own
 * port.
 */
import { config, listenHost } from '#lib/config/config';

const DEADLINE_MS = 4_000;
const host = listenHost(config());
const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
const response = await fetch(`http://${address}:${config().PORT}/health`, {
  signal: AbortSignal.timeout(DEADLINE_MS),
}).catch(() => undefined);
process.exit(response?.ok === true ? 0 : 1);
