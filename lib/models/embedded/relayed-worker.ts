import { AppError } from '#lib/errors';
import type { EmbeddedWorker } from '#lib/models/embedded/embedded-worker';
import type { RelayCommand, RelayReply } from '#lib/models/embedded/relay-messages';
import type { ModelEventListener, ModelRequest } from '#lib/models/provider';
import type { Message } from '#lib/wire/chat';
import type { WorkerProcess } from '#lib/worker-process';

/** A command without its id. */
type Call =
  Extract<RelayCommand, { type: 'chat' | 'count' | 'load' }> extends infer Command
    ? Command extends { id: number }
      ? Omit<Command, 'id'>
      : never
    : never;

interface OpenCall {
  readonly emit: ModelEventListener | undefined;
  readonly ended: PromiseWithResolvers<number | undefined>;
}

/** The built-in model of the supervisor, as each worker uses it. */
export class RelayedWorker implements EmbeddedWorker {
  readonly pid: undefined;
  readonly #link: Pick<WorkerProcess, 'send' | 'listen'>;
  readonly #open = new Map<number, OpenCall>();
  #loaded = false;
  #lastId = 0;
  #closed = false;

  constructor(link: Pick<WorkerProcess, 'send' | 'listen'>) {
    this.#link = link;
    // Both ends are this program, so the type of what arrives is known.
    link.listen('model', (body) => this.#receive(body as RelayReply));
    this.#send({ type: 'hello' });
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  async load(signal: AbortSignal): Promise<void> {
    await this.#call({ type: 'load' }, signal);
  }

  async chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    await this.#call({ type: 'chat', request }, signal, emit);
  }

  countTokens(messages: readonly Message[], signal: AbortSignal): Promise<number | undefined> {
    return this.#call({ type: 'count', messages }, signal);
  }

  /** The model goes on for the other workers. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const [id, { ended }] of this.#open) {
      this.#send({ type: 'stop', id });
      ended.reject(shuttingDown());
    }
    this.#open.clear();
  }

  async #call(call: Call, signal: AbortSignal, emit?: ModelEventListener): Promise<number | undefined> {
    signal.throwIfAborted();
    if (this.#closed) throw shuttingDown();
    const id = ++this.#lastId;
    const ended = Promise.withResolvers<number | undefined>();
    this.#open.set(id, { emit, ended });
    const stop = () => {
      if (!this.#open.delete(id)) return;
      this.#send({ type: 'stop', id });
      ended.reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    this.#send({ ...call, id });
    try {
      return await ended.promise;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #receive(reply: RelayReply): void {
    if (reply.type === 'state') {
      this.#loaded = reply.loaded;
      return;
    }
    const call = this.#open.get(reply.id);
    if (call === undefined) return;
    if (reply.type === 'event') {
      call.emit?.(reply.event);
      return;
    }
    this.#open.delete(reply.id);
    if (reply.type === 'ended') call.ended.resolve(reply.tokens);
    else call.ended.reject(new AppError(reply.code, reply.message));
  }

  #send(command: RelayCommand): void {
    this.#link.send('model', command);
  }
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The server is shutting down.');
}
