import { ApiError } from '#lib/browser/api-client';
import { findLanguageInfo } from '#lib/languages/infos';
import type { CodeRequest, CodeResult, LanguageId, RunStatus } from '#lib/wire/code';
import type { RunEvent } from '../run-api.ts';
import { CODE_RUN_STRINGS as STRINGS } from '../strings.ts';
import { type DemoWorker, openDemoWorker } from './demo-worker.ts';
import { type DemoEngine, demoEngineOf } from './engines.ts';
import { DEMO_MEMORY_BYTES, DEMO_OUTPUT_BYTES, type DemoFile, type DemoMessage, type DemoProgram } from './protocol.ts';

const DEFAULT_TIMEOUT_SECONDS = 10;
/** One warm engine, so that the second run starts at once. */
let spare: { engine: DemoEngine; worker: DemoWorker } | undefined;

/**
 * `runCode` in this browser. The time limit starts when the engine is ready. CPU time and memory
 * are unknown.
 */
export async function* runDemo(program: CodeRequest, signal: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
  const language = findLanguageInfo(program.language)?.id;
  const engine = demoEngineOf(program.language);
  if (engine === undefined || language === undefined)
    throw new ApiError(STRINGS.demoLanguages, 0, 'unsupported_language');
  const worker = takeWorker(engine);
  const messages = new MessageQueue<DemoMessage>();
  const stop = () => messages.fail(signal.reason);
  signal.addEventListener('abort', stop);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hasEnded = false;
  try {
    await Promise.race([worker.ready, messages.failed]);
    signal.throwIfAborted();
    const seconds = program.timeout ?? DEFAULT_TIMEOUT_SECONDS;
    const startedAt = performance.now();
    timer = setTimeout(() => messages.put('timeout'), seconds * 1000);
    yield { type: 'started' };
    worker.run(demoProgram(language, program), (message) => messages.put(message));
    const output = { stdout: '', stderr: '' };
    for (;;) {
      const message = await messages.next();
      const durationMs = performance.now() - startedAt;
      hasEnded = message === 'timeout' || message.type === 'end';
      if (message === 'timeout') {
        yield {
          type: 'result',
          result: result(output, 'timeout', -1, durationMs, STRINGS.demoTimedOut(seconds)),
        };
        return;
      }
      if (message.type === 'output') {
        output[message.stream] += message.text;
        yield message;
      } else if (message.type === 'end') {
        yield {
          type: 'result',
          result: result(output, message.status, message.exitCode, durationMs, SENTENCES[message.status] ?? null),
        };
        return;
      } else if (message.type === 'broken') throw new ApiError(STRINGS.demoFailed(message.message), 0, 'demo_failed');
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    worker.end();
    if (hasEnded) spare ??= { engine, worker: openDemoWorker(engine) };
  }
}

const SENTENCES: Partial<Record<RunStatus, string>> = {
  memory_limit: STRINGS.demoMemory(DEMO_MEMORY_BYTES / 1024 / 1024),
  output_limit: STRINGS.demoOutput(DEMO_OUTPUT_BYTES / 1000),
};

function takeWorker(engine: DemoEngine): DemoWorker {
  const idle = spare;
  spare = undefined;
  if (idle?.engine === engine) return idle.worker;
  idle?.worker.end();
  return openDemoWorker(engine);
}

function demoProgram(language: LanguageId, program: CodeRequest): DemoProgram {
  const main: DemoFile = { name: findLanguageInfo(language)?.mainFile ?? '', content: program.code };
  return { files: [main, ...(program.files ?? [])], stdin: program.stdin ?? '', args: program.args ?? [] };
}

function result(
  output: { stdout: string; stderr: string },
  status: RunStatus,
  exitCode: number,
  durationMs: number,
  error: string | null,
): CodeResult {
  return {
    ...{ ...output, status, error, exit_code: exitCode, duration_ms: durationMs },
    ...{ stage: 'run', truncated: status === 'output_limit', cpu_ms: 0, memory_kb: 0 },
  };
}

/** A queue for one reader. */
class MessageQueue<T> {
  readonly #waiting: (T | 'timeout')[] = [];
  readonly #failure = Promise.withResolvers<never>();
  #arrived = Promise.withResolvers<void>();

  constructor() {
    // Its reader may have left, or not come yet.
    this.failed.catch(() => undefined);
  }

  /** Never resolves. Rejects when no more messages can arrive. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  put(message: T | 'timeout'): void {
    this.#waiting.push(message);
    this.#arrived.resolve();
  }

  fail(reason: unknown): void {
    this.#failure.reject(reason);
  }

  async next(): Promise<T | 'timeout'> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message !== undefined) return message;
      this.#arrived = Promise.withResolvers();
      await Promise.race([this.#arrived.promise, this.failed]);
    }
  }
}
