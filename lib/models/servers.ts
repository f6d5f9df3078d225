import type { Clock } from '#lib/clock';
import { AppError } from '#lib/errors';
import type { ModelServer, ServerModel } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';
import { log } from '#lib/telemetry/log';

/** The age after which lists are read again while the servers are in use. */
const REFRESH_AFTER_MS = 15_000;
const LIST_TIMEOUT_MS = 5_000;
/** Together with the timeout of a probe, the longest time until a failed server is down. */
const PROBE_INTERVAL_MS = 500;
const PROBE_TIMEOUT_MS = 1_500;
/** A server that was down for so long is probed less often: it may be switched off. */
const LONG_DOWN_MS = 60_000;
const LONG_DOWN_PROBE_INTERVAL_MS = 5_000;

/** One read of a server's list. */
export type ServerListing = { readonly server: ModelServer } & (
  | { readonly models: NonNullable<ModelServer['models']> }
  | { readonly error: unknown }
);

/** Lists that several instances of this server share. */
export interface SharedLists {
  /**
   * What another instance has read of a server within the last period; undefined if this one is to
   * read it. Never rejects.
   */
  findRecent(server: ModelServer): Promise<readonly ServerModel[] | undefined>;
  /** This instance has read a list. */
  handleRead(server: ModelServer, models: readonly ServerModel[]): void;
}

/**
 * The model servers that are in use, with their health and their models.
 *
 * A server is down after a failed connection, or if it does not respond to the probe that another
 * failure starts. From then on it is probed until it responds. The models of all servers are read
 * every 15 seconds while requests come, by one of the instances that share them. A single server is
 * neither probed nor read in the background: there is nothing to choose, and each request finds out
 * by itself.
 */
export class ModelServers {
  readonly #timers: Clock;
  readonly #byProvider = new WeakMap<ModelProvider, ModelServer>();
  readonly #listeners = new Set<(server: ModelServer) => void>();
  readonly #probing = new Set<ModelServer>();
  readonly #reading = new Map<ModelServer, Promise<ServerListing>>();
  readonly #closing = new AbortController();
  #shared: SharedLists | undefined;
  #all: readonly ModelServer[] = [];
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #usedAt = Number.NEGATIVE_INFINITY;
  #isRefreshScheduled = false;

  constructor(timers: Clock) {
    this.#timers = timers;
  }

  /** The servers in use, in order of preference. */
  get all(): readonly ModelServer[] {
    return this.#all;
  }

  /** Whether a request may have a choice. */
  get areSeveral(): boolean {
    return this.#all.length > 1;
  }

  use(servers: readonly ModelServer[]): void {
    this.#all = servers;
    this.#refreshedAt = Number.NEGATIVE_INFINITY;
    for (const server of servers) {
      this.#byProvider.set(server.provider, server);
      server.isNameShown ||= servers.length > 1;
    }
  }

  /** Shares lists with other instances from now on. */
  share(shared: SharedLists): void {
    this.#shared = shared;
  }

  serverOf(provider: ModelProvider): ModelServer | undefined {
    return this.#byProvider.get(provider);
  }

  /**
   * Calls `listener` when a server goes down, comes up, or lists other models. Returns the function
   * that removes it.
   */
  onChange(listener: (server: ModelServer) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Notes that requests come: lists that are old are read in the background. Cheap. */
  touch(): void {
    if (!this.areSeveral) return;
    this.#usedAt = this.#timers.now();
    if (this.#isRefreshScheduled) return;
    const age = this.#usedAt - this.#refreshedAt;
    if (age >= REFRESH_AFTER_MS) void this.#listRecent();
    this.#scheduleRefresh(age >= REFRESH_AFTER_MS ? REFRESH_AFTER_MS : REFRESH_AFTER_MS - age);
  }

  /** Reads the lists of all servers in the background if they are old: a page shows them. */
  refreshIfOld(): void {
    if (this.#timers.now() - this.#refreshedAt >= REFRESH_AFTER_MS) void this.#listRecent();
  }

  /** Reads the lists of all servers that are up at the same time. Never rejects. */
  async list(): Promise<ServerListing[]> {
    this.#refreshedAt = this.#timers.now();
    return await Promise.all(
      this.#all.map((server) => (this.#isProbed(server) ? { server, error: server.error } : this.refresh(server))),
    );
  }

  /**
   * Another instance does not reach a server: this one looks whether it does. Of a single one, each
   * request finds out by itself.
   */
  verify(server: ModelServer): void {
    if (server.isUp && this.areSeveral) this.#probe(server);
  }

  /** Takes a list that another instance has read. */
  adopt(server: ModelServer, models: readonly ServerModel[]): void {
    server.setModels(models);
    this.#notify(server);
  }

  /** Reads the list of one server. Single-flight; never rejects. */
  refresh(server: ModelServer): Promise<ServerListing> {
    let reading = this.#reading.get(server);
    if (reading === undefined) {
      reading = this.#read(server).finally(() => this.#reading.delete(server));
      this.#reading.set(server, reading);
    }
    return reading;
  }

  /** Resolves when all servers have responded to a check or failed it. Never rejects. */
  async check(signal: AbortSignal): Promise<{ server: ModelServer; error: unknown }[]> {
    return await Promise.all(
      this.#all.map(async (server) => {
        if (this.#isProbed(server)) return { server, error: server.error };
        try {
          await server.provider.check(signal);
          this.reportReached(server);
          return { server, error: undefined };
        } catch (error) {
          this.reportFailure(server, error);
          return { server, error };
        }
      }),
    );
  }

  /** A request, a list or a check failed. */
  reportFailure(server: ModelServer, error: unknown): void {
    if (this.#closing.signal.aborted) return;
    if (!AppError.is(error)) {
      // A list or a check that was too slow.
      if (error instanceof Error && error.name === 'TimeoutError' && this.areSeveral) this.#probe(server);
      return;
    }
    if (!isFailureOfServer(error)) return;
    if (error.upstream?.isUnreached === true) this.#setDown(server, error);
    else if (this.areSeveral) this.#probe(server);
    else server.error = error;
  }

  /** The server has responded. */
  reportReached(server: ModelServer): void {
    if (server.isUp && server.error === undefined) return;
    const wasDown = !server.isUp;
    server.downSince = undefined;
    server.error = undefined;
    if (!wasDown) return;
    if (this.areSeveral) {
      log().info({ model_server: server.name }, 'model server is up');
      void this.refresh(server);
    }
    this.#notify(server);
  }

  close(): void {
    this.#closing.abort(new AppError('shutting_down', 'The server is shutting down.'));
    this.#listeners.clear();
  }

  /** As `list`, in the background: one of the instances that share lists reads each. */
  async #listRecent(): Promise<void> {
    const shared = this.#shared;
    if (shared === undefined) await this.list();
    else {
      this.#refreshedAt = this.#timers.now();
      await Promise.all(this.#all.map((server) => this.#isProbed(server) || this.#findOrRead(server, shared)));
    }
  }

  async #findOrRead(server: ModelServer, shared: SharedLists): Promise<void> {
    const models = await shared.findRecent(server);
    if (models === undefined) await this.refresh(server);
    else this.adopt(server, models);
  }

  async #read(server: ModelServer): Promise<ServerListing> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
    try {
      const models = await server.provider.models(signal);
      const hadNone = server.models === undefined;
      server.setModels(models);
      this.#shared?.handleRead(server, models);
      this.reportReached(server);
      if (!hadNone) this.#notify(server);
      return { server, models };
    } catch (error) {
      this.reportFailure(server, error);
      return { server, error };
    }
  }

  /** Whether a server is down and probed until it is up: to ask it as well would only take time. */
  #isProbed(server: ModelServer): boolean {
    return !server.isUp && this.areSeveral;
  }

  #scheduleRefresh(ms: number): void {
    this.#isRefreshScheduled = true;
    this.#timers.after(ms, () => {
      this.#isRefreshScheduled = false;
      if (this.#closing.signal.aborted || this.#timers.now() - this.#usedAt > REFRESH_AFTER_MS) return;
      void this.#listRecent();
      this.#scheduleRefresh(REFRESH_AFTER_MS);
    });
  }

  #setDown(server: ModelServer, error: AppError): void {
    const wasUp = server.isUp;
    server.error = error;
    server.downSince ??= this.#timers.now();
    if (!wasUp) return;
    if (this.areSeveral) {
      log().warn({ model_server: server.name, reason: error.message }, 'model server is down');
      this.#scheduleProbe(server);
    }
    this.#notify(server);
  }

  #scheduleProbe(server: ModelServer): void {
    const downMs = this.#timers.now() - (server.downSince ?? Number.POSITIVE_INFINITY);
    const isLong = downMs > LONG_DOWN_MS;
    this.#timers.after(isLong ? LONG_DOWN_PROBE_INTERVAL_MS : PROBE_INTERVAL_MS, () => this.#probe(server));
  }

  /** Asks the server whether it responds, again and again while it does not. Single-flight. */
  #probe(server: ModelServer): void {
    if (this.#probing.has(server) || this.#closing.signal.aborted || !this.#all.includes(server)) return;
    this.#probing.add(server);
    void this.#responds(server).then((failure) => {
      this.#probing.delete(server);
      if (failure === undefined) this.reportReached(server);
      else if (server.isUp) this.#setDown(server, failure);
      else {
        server.error = failure;
        this.#scheduleProbe(server);
      }
    });
  }

  /** Resolves with the reason why the server is down; undefined if it is up. */
  async #responds(server: ModelServer): Promise<AppError | undefined> {
    const inTime = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    try {
      await server.provider.check(AbortSignal.any([this.#closing.signal, inTime]));
      return undefined;
    } catch (error) {
      if (inTime.aborted || !AppError.is(error))
        return new AppError('provider_unavailable', `${server.name} does not respond in time.`, { cause: error });
      return isFailureOfServer(error) ? error : undefined;
    }
  }

  #notify(server: ModelServer): void {
    for (const listener of this.#listeners) listener(server);
  }
}

/** Whether an error may mean that the whole server is down. */
function isFailureOfServer({ code, upstream }: AppError): boolean {
  if (upstream?.isRateLimited === true) return false;
  return code === 'provider_unavailable' || code === 'upstream_failed' || code === 'upstream_timeout';
}
