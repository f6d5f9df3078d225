import pino from 'pino';
import { config } from '#lib/config/index';
import { processWide } from '#lib/process';

export type Log = pino.Logger;

/** Names under which a secret could reach a log line, at the top and one level below. */
const SECRET_FIELDS = ['authorization', 'cookie', 'set-cookie', 'api_key', 'apiKey', 'token', 'password', 'secret'];

/** The process's log: JSON lines on standard output, secrets redacted. */
export function log(): Log {
  return processWide('log', () =>
    createLog(config().LOG_LEVEL, pino.destination({ fd: 1, sync: false, minLength: 0 })),
  );
}

export function createLog(level: string, destination: pino.DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]),
        censor: '[redacted]',
      },
    },
    destination,
  );
}
