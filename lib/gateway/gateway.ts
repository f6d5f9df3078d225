import type { Config } from '#lib/config/config';
import { fileDescriptorLimit, maxClientConnections } from '#lib/file-descriptor-limit';
import { Backend, backendId } from '#lib/gateway/backend';
import { chooseBackend } from '#lib/gateway/load-balancer';
import { SlowClients } from '#lib/gateway/slow-clients';
import { GatewayStatistics } from '#lib/gateway/statistics';
import { ConnectionShares } from '#lib/http-client/connection-shares';
import type { GatewayStats } from '#lib/wire/gateway';

const CHECK_INTERVAL_MS = 5_000;

/** State that all requests through the gateway share. */
export class Gateway {
  readonly settings: Config;
  readonly statistics = new GatewayStatistics();
  readonly slowClients: SlowClients;
  /** Bounds the open and opening WebSockets, in all and per caller. */
  readonly webSockets: ConnectionShares<never>;
  /** Those of the environment, then those that were added. */
  #backends: readonly Backend[];
  /** Those that get new requests. */
  #open: readonly Backend[] = [];
  /** Removed ones with requests in flight. */
  readonly #retiring = new Set<Backend>();
  #checkTimer: NodeJS.Timeout | undefined;
  readonly #closers = new Set<() => void>();
  readonly #onAdded: ((hasAdded: boolean) => void) | undefined;

  /** Calls `onAdded` with whether any backend was added, now and after each change. */
  constructor(settings: Config, onAdded?: (hasAdded: boolean) => void) {
    this.settings = settings;
    this.#onAdded = onAdded;
    this.slowClients = new SlowClients(settings.GATEWAY_MIN_BYTES_PER_SECOND);
    // If file descriptors are few, half of the connections are reserved for requests.
    const most = Math.floor(maxClientConnections(fileDescriptorLimit(), settings) / 2);
    this.webSockets = new ConnectionShares(Math.min(settings.GATEWAY_MAX_WEBSOCKETS, most));
    this.#backends = settings.PRIVATE_BACKEND_URL.map((url) => new Backend(url, settings, 'environment'));
    this.#backendsChanged();
  }

  get backends(): readonly Backend[] {
    return this.#backends;
  }

  find(id: string): Backend | undefined {
    return this.#backends.find((backend) => backend.id === id);
  }

  /** The backend at an address, in any spelling of it. */
  findByUrl(url: string): Backend | undefined {
    return this.find(backendId(url));
  }

  /** Adds a backend, which gets requests from now on, and never the token of the environment. */
  add(url: string): Backend {
    const added = new Backend(url, this.settings, 'added');
    this.#backends = [...this.#backends, added];
    this.#backendsChanged();
    return added;
  }

  /**
   * Takes a backend out. Its requests in flight end; its WebSockets, which have no end of their
   * own, are closed.
   */
  remove(backend: Backend): void {
    this.#backends = this.#backends.filter((other) => other !== backend);
    this.#retiring.add(backend);
    backend.retire(() => this.#retiring.delete(backend));
    this.#backendsChanged();
  }

  /** A backend that drains gets no new request; those in flight end. */
  drain(backend: Backend, isDraining: boolean): void {
    // The environment may name a backend twice, which has one id.
    for (const same of this.#backends) if (same.id === backend.id) same.isDraining = isDraining;
    this.#backendsChanged();
  }

  chooseBackend(tried?: ReadonlySet<Backend>): Backend | undefined {
    return chooseBackend(this.#open, Math.random, tried);
  }

  /** Whether backends are there and all of them drain. */
  get isDrained(): boolean {
    return this.#open.length === 0 && this.#backends.length > 0;
  }

  /** Checks every backend whose state is older than `freshMs`. Never throws. */
  async checkBackends(freshMs: number): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.check(freshMs)));
  }

  get state(): GatewayStats['state'] {
    if (this.#backends.length === 0) return 'not_configured';
    const states = new Set(this.#open.map(({ state }) => state));
    if (states.size === 0) return 'down';
    if (!states.has('down')) return states.has('up') ? 'up' : 'unknown';
    return states.size === 1 ? 'down' : 'degraded';
  }

  stats(): GatewayStats {
    return {
      timestamp: new Date().toISOString(),
      state: this.state,
      has_token: this.settings.HF_TOKEN !== undefined,
      pool_size: this.settings.GATEWAY_POOL_SIZE,
      timeout_ms: this.settings.GATEWAY_TIMEOUT_MS,
      backends: this.#backends.map((backend) => backend.stats()),
      ...this.statistics.report(),
    };
  }

  /** Calls `close` when the gateway closes. Returns a function that cancels this. */
  onClose(close: () => void): () => void {
    this.#closers.add(close);
    return () => void this.#closers.delete(close);
  }

  close(): void {
    clearInterval(this.#checkTimer);
    this.slowClients.close();
    for (const close of this.#closers) close();
    for (const backend of [...this.#backends, ...this.#retiring]) backend.close();
  }

  #backendsChanged(): void {
    this.#open = this.#backends.filter(({ isDraining }) => !isDraining);
    this.#onAdded?.(this.#backends.some(({ source }) => source === 'added'));
    // A single backend is always used, so its responses are the only check it needs.
    const needsChecks =
      this.#backends.length > 1 || (this.#backends.length === 1 && this.settings.GATEWAY_HEALTH_PATH !== undefined);
    if (needsChecks && this.#checkTimer === undefined) {
      this.#checkTimer = setInterval(() => void this.checkBackends(CHECK_INTERVAL_MS / 2), CHECK_INTERVAL_MS);
      this.#checkTimer.unref();
    }
    if (needsChecks) return;
    clearInterval(this.#checkTimer);
    this.#checkTimer = undefined;
  }
}
