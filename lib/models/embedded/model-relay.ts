import { AppError } from '#lib/errors';
import type { EmbeddedWorker, ModelFile } from '#lib/models/embedded/embedded-worker';
import type { RelayCommand, RelayReply } from '#lib/models/embedded/relay-messages';
import { EmbeddedWorkerClient } from '#lib/models/embedded/worker-client';
import { log } from '#lib/telemetry/log';

/** A server of WORKERS, as the relay sees it. */
export interface RelayClient {
  send(reply: RelayReply): void;
}

type RelayedModel = Pick<EmbeddedWorker, 'loaded' | 'load' | 'chat' | 'countTokens' | 'close'>;

/**
 * The supervisor's end of the built-in model: one model for all workers, which outlives each of
 * them. It runs their requests one after another, in the order in which they came.
 */
export class ModelRelay {
  readonly #model: RelayedModel;
  /** What runs or waits for each worker, by its own id. */
  readonly #running = new Map<RelayClient, Map<number, AbortController>>();

  constructor(file: ModelFile, createModel: (onChange: () => void) => RelayedModel = modelOf(file)) {
    this.#model = createModel(() => {
      for (const client of this.#running.keys()) this.#sendState(client);
    });
  }

  receive(client: RelayClient, command: RelayCommand): void {
    const calls = this.#callsOf(client);
    if (command.type === 'hello') this.#sendState(client);
    else if (command.type === 'stop') calls.get(command.id)?.abort(LEFT);
    else void this.#run(client, calls, command);
  }

  /** Ends the work of a worker that has ended. */
  drop(client: RelayClient): void {
    const calls = this.#running.get(client);
    this.#running.delete(client);
    for (const controller of calls?.values() ?? []) controller.abort(LEFT);
  }

  close(): Promise<void> {
    return this.#model.close();
  }

  async #run(
    client: RelayClient,
    calls: Map<number, AbortController>,
    command: Extract<RelayCommand, { type: 'chat' | 'count' | 'load' }>,
  ): Promise<void> {
    const { id } = command;
    const controller = new AbortController();
    calls.set(id, controller);
    try {
      const tokens = await this.#perform(client, command, controller.signal);
      client.send({ type: 'ended', id, tokens });
    } catch (error) {
      if (error === LEFT) return;
      if (!AppError.is(error)) log().error({ err: error }, 'a request of the built-in model failed');
      const { code, message } = AppError.is(error)
        ? error
        : new AppError('upstream_failed', 'The built-in model stopped with an error.');
      client.send({ type: 'failed', id, code, message });
    } finally {
      calls.delete(id);
    }
  }

  async #perform(
    client: RelayClient,
    command: Extract<RelayCommand, { type: 'chat' | 'count' | 'load' }>,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    if (command.type === 'count') return await this.#model.countTokens(command.messages, signal);
    if (command.type === 'load') await this.#model.load(signal);
    else
      await this.#model.chat(command.request, signal, (event) => client.send({ type: 'event', id: command.id, event }));
    return undefined;
  }

  #callsOf(client: RelayClient): Map<number, AbortController> {
    const known = this.#running.get(client) ?? new Map<number, AbortController>();
    this.#running.set(client, known);
    return known;
  }

  #sendState(client: RelayClient): void {
    client.send({ type: 'state', loaded: this.#model.loaded });
  }
}

const LEFT = new AppError('cancelled', 'The caller of the built-in model has left.');

function modelOf(file: ModelFile): (onChange: () => void) => RelayedModel {
  return (onChange) => new EmbeddedWorkerClient({ ...file, onChange });
}
