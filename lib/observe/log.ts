import pino from 'pino';
import { config } from '#lib/config/index';
import { processWide } from '#lib/process';

export type Log = pino.Logger;

/** Names under which a secret could reach a log line, at the top and one level below. */
const SECRET_FIELDS = ['authorization', 'cookie', 'set-cookie', 'api_key', 'apiKey', 'token', 'password', 'secret'];

/** The process's log: JSON lines on standard output, secrets redacted. */
export function log(): Log {
  return processWide('log', () => createLog(config().LOG_LEVEL, output()));
}

/**
 * The log of requests, for lines whose fields are all known to be no secret: looking for secrets would cost more than
 * the line itself.
 */
export function requestLog(): Log {
  return processWide('request-log', () => pino(options(config().LOG_LEVEL), output()));
}

/** Writes what is not written yet. To be called before the process ends by itself. */
export function flushLog(): void {
  try {
    output().flushSync();
  } catch {
    // Nobody reads our output any more: there is nowhere left to say so.
  }
}

/** A log that redacts secrets. */
export function createLog(level: string, destination: pino.DestinationStream): Log {
  const redact = {
    paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]),
    censor: '[redacted]',
  };
  return pino({ ...options(level), redact }, destination);
}

/** Lines go out in blocks, and a lone one after a tenth of a second: a write for each costs more than a cached answer. */
function output() {
  return processWide('log-output', () => pino.destination({ fd: 1, sync: false, minLength: 4096, periodicFlush: 100 }));
}

function options(level: string): pino.LoggerOptions {
  return {
    level,
    base: null,
    timestamp: isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
}

let lastMs = 0;
let lastTime = '';

/** As pino's own, made once for all lines of a millisecond. */
function isoTime(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastTime = `,"time":"${new Date(now).toISOString()}"`;
  }
  return lastTime;
}
