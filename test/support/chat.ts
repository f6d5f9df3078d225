import { expect } from 'vitest';
import { ChatEngine, type ChatEngineOptions } from '#lib/chat/chat-engine';
import type { Clock } from '#lib/chat/clock';
import { nativeResponse, queueEntry } from '#lib/chat/formats/native';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { waitUntilFinished } from '#lib/chat/generation/response-stream';
import type { Submitter } from '#lib/chat/submitter';
import { readConfig } from '#lib/config/config';
import { AppError } from '#lib/errors';
import type { ModelEvent, ModelEventListener, ModelProvider, ModelRequest } from '#lib/models/provider';
import { createLog } from '#lib/telemetry/log';
import { createMetrics, type Metrics } from '#lib/telemetry/metrics';
import { type ChatRequest, chatRequestSchema, type ToolCall } from '#lib/wire/chat';

/** A clock that only `advance` moves, and that runs its timers in order. */
export class ManualClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #timers = new Set<{ at: number; task: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): () => void {
    const timer = { at: this.#now + ms, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Number of pending timers. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves the clock, and runs what its timers wake. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
      await settled();
    }
    this.#now = end;
    await settled();
  }
}

/** Resolves after everything that needs neither a timer nor a socket has run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One call of the scripted provider; the test plays its events. */
export class ScriptedCall {
  readonly request: ModelRequest;
  readonly signal: AbortSignal;
  /** Whether the engine has released it. */
  closed = false;
  ignoresAbort = false;
  readonly #steps: (ModelEvent | AppError | 'end')[] = [];
  #wake: (() => void) | undefined;

  constructor(request: ModelRequest, signal: AbortSignal) {
    this.request = request;
    this.signal = signal;
  }

  say(text: string): this {
    return this.#push({ type: 'content', text });
  }

  think(text: string): this {
    return this.#push({ type: 'thinking', text });
  }

  /** Emits tool calls. */
  ask(tool_calls: ToolCall[]): this {
    return this.#push({ type: 'tool_calls', tool_calls });
  }

  /** Emits log probabilities of the next text. */
  logprobs(...tokens: string[]): this {
    const logprobs = tokens.map((token) => ({ token, logprob: -0.5, top_logprobs: [{ token: 'other', logprob: -2 }] }));
    return this.#push({ type: 'logprobs', logprobs });
  }

  done(done_reason = 'stop'): this {
    this.#push({ type: 'done', done_reason, usage: { prompt_tokens: 3, completion_tokens: 5 } });
    return this.#push('end');
  }

  /** Ends with neither `done` nor an error. */
  end(): this {
    return this.#push('end');
  }

  fail(fault: AppError): this {
    return this.#push(fault);
  }

  #push(step: ModelEvent | AppError | 'end'): this {
    this.#steps.push(step);
    this.#wake?.();
    return this;
  }

  /** Passes what the test plays to `emit`, until the call ends. */
  async play(emit: ModelEventListener): Promise<void> {
    const onAbort = () => this.#wake?.();
    this.signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        if (!this.ignoresAbort) this.signal.throwIfAborted();
        const step = this.#steps.shift();
        if (step === 'end') return;
        if (step instanceof AppError) throw step;
        if (step !== undefined) emit(step);
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      this.signal.removeEventListener('abort', onAbort);
      this.closed = true;
    }
  }
}

/** A provider whose calls the test plays by hand, or by `onCall`. */
export class ScriptedProvider implements ModelProvider {
  readonly id = 'ollama';
  readonly calls: ScriptedCall[] = [];
  onCall: ((call: ScriptedCall) => void) | undefined;
  loadFault: AppError | undefined;
  checkFault: AppError | undefined;

  /** How many calls the engine has not released. */
  get open(): number {
    return this.calls.filter((call) => !call.closed).length;
  }

  /** The newest call. */
  get last(): ScriptedCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('the model was not called');
    return call;
  }

  async chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    const call = new ScriptedCall(request, signal);
    this.calls.push(call);
    this.onCall?.(call);
    await call.play(emit);
  }

  async models() {
    return [];
  }

  async load() {
    if (this.loadFault !== undefined) throw this.loadFault;
    return { load_duration_ms: 12 };
  }

  async check() {
    if (this.checkFault !== undefined) throw this.checkFault;
  }

  async close() {}
}

export interface EngineHarness {
  engine: ChatEngine;
  provider: ScriptedProvider;
  clock: ManualClock;
  metrics: Metrics;
  submit(request: Partial<ChatRequest> | string, submitter?: Partial<Submitter>): Promise<PendingRequest>;
}

/** An engine over a scripted provider and a manual clock, unless `options` replace them. */
export function engineHarness(
  environment: Record<string, string> = {},
  options: Partial<ChatEngineOptions> = {},
  create: (options: ChatEngineOptions) => ChatEngine = (all) => new ChatEngine(all),
): EngineHarness {
  const provider = new ScriptedProvider();
  const clock = new ManualClock();
  const metrics = createMetrics();
  const resolveKnown = (model: string | undefined) => ({ provider, model: model ?? 'default-model' });
  const engine = create({
    settings: readConfig(environment),
    directory: { resolve: async (model) => resolveKnown(model), resolveKnown },
    clock,
    metrics,
    log: createLog('silent', process.stdout),
    call: (asked, request, signal, emit) => asked.chat(request, signal, emit),
    ...options,
  });
  return {
    engine,
    provider,
    clock,
    metrics,
    submit: (request, submitter = {}) => engine.submit(chatRequest(request), { caller: 'ann', ...submitter }),
  };
}

/** Closes the engine. Expects no open call, and no timer an hour later. */
export async function endEngine({ engine, provider, clock }: EngineHarness): Promise<void> {
  engine.close();
  await settled();
  expect(provider.open).toBe(0);
  await clock.advance(60 * 60 * 1000);
  expect(clock.pending).toBe(0);
}

/** Reads the whole response. */
export async function responseOf({ engine }: EngineHarness, pending: PendingRequest) {
  await waitUntilFinished(engine, pending, new AbortController().signal);
  const { response } = pending.generation;
  if (response === undefined) throw new Error('no response');
  return nativeResponse(pending, response);
}

/** The request as a poll of the queue route shows it. */
export function entryOf({ engine }: EngineHarness, pending: PendingRequest) {
  return queueEntry(pending, engine.queueStatus(pending));
}

/** A whole request; a string is its one message. */
export function chatRequest(request: Partial<ChatRequest> | string): ChatRequest {
  const fields = typeof request === 'string' ? { messages: [{ role: 'user', content: request }] } : request;
  return chatRequestSchema.parse({ messages: [{ role: 'user', content: 'hello' }], ...fields });
}
