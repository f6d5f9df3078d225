import pino from 'pino';
import { config } from '#lib/config/config';
import { singleton } from '#lib/singletons';
import { workerProcess } from '#lib/worker-process';

export type Logger = pino.Logger;

/** Fields that are redacted, at the top level and one level below. */
const SECRET_FIELDS = ['authorization', 'cookie', 'set-cookie', 'api_key', 'apiKey', 'token', 'password', 'secret'];

/** The process's log: JSON lines on standard output, with secrets redacted. */
export function log(): Logger {
  return singleton('log', () => createLog(config().LOG_LEVEL, logOutput(), workerProcess()?.number));
}

/**
 * Writes the access log line of a request. The line is formatted by hand, because pino's redaction
 * is too slow for a cached response (docs/decisions/0009-access-log-writer.md).
 *
 * Arguments are not escaped or redacted: `id` is a valid request id, `path` a route's pattern, and
 * `more` holds JSON members, each with a comma in front.
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
  if (!log().isLevelEnabled(level)) return;
  const output = logOutput();
  output.write(accessLogLine(level, id, method, path, status, ms, more + output.members));
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

/** Writes the buffer. Call it before the process exits. */
export function flushLog(): void {
  try {
    logOutput().flushSync();
  } catch {
    // Standard output is closed, so the failure cannot be reported either.
  }
}

/** Creates a log that redacts secrets. */
export function createLog(level: string, destination: pino.DestinationStream, worker?: number): Logger {
  const redact = {
    paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]),
    censor: '[redacted]',
  };
  return pino({ ...options(level), ...(worker !== undefined && { base: { worker } }), redact }, destination);
}

const LOG_BLOCK_CHARS = 15 * 1024;
/** PIPE_BUF of Linux: a longer write to a pipe may be torn by that of another process. */
const SHARED_BLOCK_CHARS = 4 * 1024;
const MAX_BUFFERED_LOG_BYTES = 1024 * 1024;
const FLUSH_AFTER_MS = 100;
const REPEAT_WARNING_AFTER_MS = 60_000;

/**
 * Buffers lines and writes them in blocks, the last one after FLUSH_AFTER_MS: a write per line
 * costs more than a cached response. The buffer is here and not in the destination, which measures
 * its whole buffer at every write.
 */
class LogOutput implements pino.DestinationStream {
  /** What each line of the access log ends with: members of JSON, each with a comma in front. */
  readonly members: string;
  readonly #blockChars: number;
  readonly #destination: ReturnType<typeof pino.destination>;
  readonly #flushBlock = () => this.flushBlock();
  #block = '';
  #timer: NodeJS.Timeout | undefined;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #isFailing = false;
  #isClosed = false;

  constructor(worker: number | undefined) {
    this.members = worker === undefined ? '' : `,"worker":${worker}`;
    // Several workers write to one output.
    this.#blockChars = worker === undefined ? LOG_BLOCK_CHARS : SHARED_BLOCK_CHARS;
    this.#destination = pino.destination({
      fd: 1,
      sync: false,
      maxLength: MAX_BUFFERED_LOG_BYTES,
      ...(worker !== undefined && { maxWrite: SHARED_BLOCK_CHARS }),
    });
    this.#destination.on('write', () => {
      this.#isFailing = false;
    });
    // A full disk does not end the process. The destination keeps its buffer and drops further
    // lines.
    this.#destination.on('error', (error) => {
      this.#isFailing = true;
      if (performance.now() - this.#warnedAt < REPEAT_WARNING_AFTER_MS) return;
      this.#warnedAt = performance.now();
      process.stderr.write(`The log cannot be written (${error.message}): lines are lost until it can.\n`);
    });
    // Runs before the destination's own exit listener, which retries forever on a failing output.
    process.prependListener('exit', () => flushLog());
  }

  write(line: string): void {
    if (this.#block.length + line.length > this.#blockChars) this.flushBlock();
    this.#block += line;
    if (this.#block.length >= this.#blockChars) this.flushBlock();
    else this.#timer ??= setTimeout(this.#flushBlock, FLUSH_AFTER_MS).unref();
  }

  /** Writes the block to the destination. */
  flushBlock(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const block = this.#block;
    this.#block = '';
    if (block !== '' && !this.#isClosed) this.#destination.write(block);
  }

  /** Writes the last lines of the process. Drops them if the output is failing. */
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
  return singleton('log-output', () => new LogOutput(workerProcess()?.number));
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

/** The format of pino's `isoTime`, computed once per millisecond. */
function isoTime(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastTime = `,"time":"${new Date(now).toISOString()}"`;
  }
  return lastTime;
}
