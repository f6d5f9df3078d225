import { z } from 'zod';
import { hostNames, trustedProxies } from '#lib/config/settings/network-schemas';
import { setting } from '#lib/config/settings/setting';
import {
  httpUrl,
  MAX_MS,
  optionalText,
  port,
  secrets,
  text,
  textList,
  wholeNumber,
} from '#lib/config/settings/value-schemas';

export const SERVER_SETTINGS = {
  HOST: setting(
    optionalText(),
    undefined,
    'Address to listen on. Default: 127.0.0.1 where AUTH is none, 0.0.0.0 otherwise.',
  ),
  PORT: setting(port(), '3000', 'Port to listen on.'),
  LOG_LEVEL: setting(
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be fatal, error, warn, info, debug, trace or silent',
    }),
    'info',
    'fatal, error, warn, info, debug, trace or silent.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    httpUrl().optional(),
    undefined,
    'OpenTelemetry collector that gets traces over OTLP/HTTP, without its /v1/traces: http://localhost:4318. Default: none.',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: setting(textList(), '', 'Headers for it, as name=value, comma-separated.'),
  OTEL_SERVICE_NAME: setting(text(), 'chill-space', 'Name of this service in the traces.'),
  SHUTDOWN_DELAY_MS: setting(
    wholeNumber(0, MAX_MS).optional(),
    undefined,
    'How long the server goes on taking requests after SIGTERM, with 503 at /api/ready and Connection: close on responses. Longer than the interval of the checks of a load balancer in front, so that no request is refused at a restart. Default: 0, with REDIS_URL 5000.',
  ),
  SHUTDOWN_TIMEOUT_MS: setting(
    wholeNumber(0, MAX_MS),
    '10000',
    'How long open requests may go on after SIGTERM and SHUTDOWN_DELAY_MS.',
  ),
  RECEIVING_MAX_SIZE_MB: setting(
    wholeNumber(48, 1_048_576),
    '128',
    'Bodies of requests that are being received, all together; one caller may have half of it. More get 503.',
  ),
  UPLOADS_MAX_SIZE_MB: setting(
    wholeNumber(16, 1_048_576),
    '2048',
    'Audio and images for a model server, on the disk of the temporary directory (TMPDIR) until they are sent on; one caller may have half of it. More get 503.',
  ),
  FRONTEND_URL: setting(httpUrl().optional(), undefined, 'Origin of a page elsewhere that may call this server.'),
  CORS_ALLOWED_ORIGINS: setting(
    textList(),
    '',
    'More allowed origins, comma-separated; * allows all, for development.',
  ),
  API_KEYS: setting(
    secrets(),
    '',
    'Keys of administrators, comma-separated, of at least 16 characters each unless the server listens on loopback. Without any, the server is for this machine only. Nothing runs commands in this file; this adds a key and shows it: echo "API_KEYS=$(openssl rand -hex 24)" >> .env; grep API_KEYS .env',
  ),
  ALLOWED_HOSTS: setting(
    hostNames(),
    '',
    'Host names under which the server is reached without API_KEYS, beside localhost and the addresses of this machine, comma-separated; *.example.org is every name below it, * any name. With API_KEYS every name is served.',
  ),
  TRUST_PROXY: setting(
    trustedProxies(),
    'false',
    "Proxies in front whose X-Forwarded-For tells the client's address: false, their number (true is 1), or their addresses and networks, comma-separated (loopback and private are known).",
  ),
};
