import type { Config } from '#lib/config/config';
import { fileDescriptorLimit, maxClientConnections } from '#lib/file-descriptor-limit';
import { Backend } from '#lib/gateway/backend';
import { chooseBackend } from '#lib/gateway/load-balancer';
import { SlowClients } from '#lib/gateway/slow-clients';
import { GatewayStatistics } from '#lib/gateway/statistics';
import { TokenMask } from '#lib/gateway/token-mask';
import { ConnectionShares } from '#lib/http-client/connection-shares';
import type { GatewayStats } from '#lib/wire/gateway';

const CHECK_INTERVAL_MS = 5_000;

/** State that all requests through the gateway share. */
export class Gateway {
  readonly settings: Config;
  readonly backends: readonly Backend[];
  readonly tokenMask: TokenMask;
  readonly statistics = new GatewayStatistics();
  readonly slowClients: SlowClients;
  /** Bounds the open and opening WebSockets, in all and per caller. */
  readonly webSockets: ConnectionShares<never>;
  readonly #checkTimer: NodeJS.Timeout | undefined;
  readonly #closers = new Set<() => void>();

  constructor(settings: Config) {
    this.settings = settings;
    this.tokenMask = new TokenMask(settings.HF_TOKEN);
    this.slowClients = new SlowClients(settings.GATEWAY_MIN_BYTES_PER_SECOND);
    // If file descriptors are few, half of the connections are reserved for requests.
    const most = Math.floor(maxClientConnections(fileDescriptorLimit(), settings) / 2);
    this.webSockets = new ConnectionShares(Math.min(settings.GATEWAY_MAX_WEBSOCKETS, most));
    this.backends = settings.PRIVATE_BACKEND_URL.map((url) => new Backend(url, settings));
    // A single backend is always used, so its responses are the only check it needs.
    if (this.backends.length > 1 || settings.GATEWAY_HEALTH_PATH !== undefined) {
      this.#checkTimer = setInterval(() => void this.checkBackends(CHECK_INTERVAL_MS / 2), CHECK_INTERVAL_MS);
      this.#checkTimer.unref();
    }
  }

  chooseBackend(tried?: ReadonlySet<Backend>): Backend | undefined {
    return chooseBackend(this.backends, Math.random, tried);
  }

  /** Checks every backend whose state is older than `freshMs`. Never throws. */
  async checkBackends(freshMs: number): Promise<void> {
    await Promise.all(this.backends.map((backend) => backend.check(freshMs)));
  }

  get state(): GatewayStats['state'] {
    const states = new Set(this.backends.map(({ state }) => state));
    if (states.size === 0) return 'not_configured';
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
      backends: this.backends.map((backend) => backend.stats()),
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
    for (const backend of this.backends) backend.close();
  }
}
