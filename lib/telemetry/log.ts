import pino from 'pino';
import { config } from '#lib/config/config';
import { singleton } from '#lib/singletons';

export type Logger = pino.Logger;

/** Names under which a secret could reach a log line, at the top and one level below. */
const SECRET_FIELDS = ['authorization', 'cookie', 'set-cookie', 'api_key', 'apiKey', 'token', 'password', 'secret'];

/** The process's log: JSON lines on standard output, secrets redacted. */
export function log(): Logger {
  return singleton('log', () => createLog(config().LOG_LEVEL, logOutput()));
}

/**
 * The one line that every request leaves, as `log()` would write it. It is put together by hand: a
 * general logger that looks for secrets takes a tenth of a cached answer's time. So nothing may
 * come in here that could be one, or that JSON would have to escape: `id` is sane, `path` a route's
 * pattern, and `more` is JSON already, each member with a comma in front.
 */
export function writeAccessLog(
  level: 'debug' | 'info',
  id: string,
  method: string,
  path: string,
  status: number,
  ms: number,
  more = '',
): void {
  if (log().isLevelEnabled(level)) logOutput().write(accessLogLine(level, id, method, path, status, ms, more));
}

export function accessLogLine(
  level: 'debug' | 'info',
  id: string,
  method: string,
  path: string,
  status: number,
  ms: number,
  more = '',
): string {
  return `{"level":"${level}"${isoTime()},"request_id":"${id}","method":"${method}","path":"${path}","status":${status},"ms":${Math.round(ms * 10) / 10}${more},"msg":"request"}\n`;
}

/** Writes what is not written yet. To be called before the process ends by itself. */
export function flushLog(): void {
  try {
    logOutput().flushSync();
  } catch {
    // Nobody reads our output any more: there is nowhere left to say so.
  }
}

/** A log that redacts secrets. */
export function createLog(level: string, destination: pino.DestinationStream): Logger {
  const redact = {
    paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]),
    censor: '[redacted]',
  };
  return pino({ ...options(level), redact }, destination);
}

const LOG_BLOCK_CHARS = 15 * 1024;
const MAX_BUFFERED_LOG_BYTES = 1024 * 1024;
const FLUSH_AFTER_MS = 100;
const REPEAT_WARNING_AFTER_MS = 60_000;

/**
 * Lines go out in blocks, and a lone one after a tenth of a second: a write for each costs more than a cached answer. They
 * are collected here, since the destination measures all that waits there whenever it is given more.
 */
class LogOutput implements pino.DestinationStream {
  readonly #destination = pino.destination({ fd: 1, sync: false, maxLength: MAX_BUFFERED_LOG_BYTES });
  readonly #pass = () => this.flushBlock();
  #block = '';
  #timer: NodeJS.Timeout | undefined;
  #saidAt = Number.NEGATIVE_INFINITY;
  #isFailing = false;
  #isClosed = false;

  constructor() {
    this.#destination.on('write', () => {
      this.#isFailing = false;
    });
    // A disk that is full is no reason to end: what waits is written when there is room again, what is more is lost.
    this.#destination.on('error', (error) => {
      this.#isFailing = true;
      if (performance.now() - this.#saidAt < REPEAT_WARNING_AFTER_MS) return;
      this.#saidAt = performance.now();
      process.stderr.write(`The log cannot be written (${error.message}): lines are lost until it can.\n`);
    });
    // Before the destination's own, which goes on trying for ever where nothing can be written.
    process.prependListener('exit', () => flushLog());
  }

  write(line: string): void {
    this.#block += line;
    if (this.#block.length >= LOG_BLOCK_CHARS) this.flushBlock();
    else this.#timer ??= setTimeout(this.#pass, FLUSH_AFTER_MS).unref();
  }

  /** Hands on what was collected. */
  flushBlock(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const block = this.#block;
    this.#block = '';
    if (block !== '' && !this.#isClosed) this.#destination.write(block);
  }

  /** For the last lines of the process: where they cannot be written they are let go of. */
  flushSync(): void {
    this.flushBlock();
    if (!this.#isFailing) this.#destination.flushSync();
    else if (!this.#isClosed) {
      this.#isClosed = true;
      this.#destination.destroy();
    }
  }
}

function logOutput(): LogOutput {
  return singleton('log-output', () => new LogOutput());
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
