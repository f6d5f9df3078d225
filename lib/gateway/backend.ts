import type { Config } from '#lib/config/config';
import { type BackendFailure, toBackendFailure } from '#lib/gateway/backend-errors';
import type { BackendLoad } from '#lib/gateway/load-balancer';
import { fetchStatus } from '#lib/http-client/fetch-status';
import { HttpPool } from '#lib/http-client/pool';
import { log } from '#lib/telemetry/log';
import type { BackendStats } from '#lib/wire/gateway';

/** Broken answers in a row after which a backend counts as down; a connection that cannot be made is enough by itself. */
const FAILURES_TO_DOWN = 3;
const CONNECT_TIMEOUT_MS = 10_000;
const CHECK_TIMEOUT_MS = 3_000;
/** How often the log says that this machine has no connection left. */
const LOG_INTERVAL_MS = 60_000;

/** One backend: its connections, what it works on, and whether it is well. */
export class Backend implements BackendLoad {
  readonly url: URL;
  /** What stands in front of each path; empty for a backend at the root of its host. */
  readonly basePath: string;
  readonly pool: HttpPool;
  /** Requests that are not done: those that it works on, and those that wait for a connection. */
  pending = 0;
  readonly #settings: Config;
  #state: BackendStats['state'] = 'unknown';
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #failuresInARow = 0;
  #requests = 0;
  #failures = 0;
  #lastFailure: BackendStats['last_failure'] = null;
  #check: Promise<void> | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(url: string, settings: Config) {
    this.url = new URL(url);
    this.basePath = this.url.pathname === '/' ? '' : this.url.pathname;
    this.#settings = settings;
    this.pool = new HttpPool(this.url, {
      size: settings.GATEWAY_POOL_SIZE,
      maxWaiting: settings.GATEWAY_MAX_QUEUE,
      keepAliveMs: settings.GATEWAY_KEEP_ALIVE_MS,
      responseMs: settings.GATEWAY_TIMEOUT_MS,
      connectMs: Math.min(CONNECT_TIMEOUT_MS, settings.GATEWAY_TIMEOUT_MS),
    });
  }

  get isDown(): boolean {
    return this.#state === 'down';
  }

  get state(): BackendStats['state'] {
    return this.#state;
  }

  /** The backend began to answer, whatever it said. */
  recordSuccess(nowMs: number = performance.now()): void {
    this.#requests += 1;
    this.#well(nowMs);
  }

  /** `unsent`: there was no connection to send anything over. */
  recordFailure(failure: BackendFailure, unsent: boolean, nowMs: number = performance.now()): void {
    this.#requests += 1;
    this.#failures += 1;
    this.#note(failure.reason);
    if (failure.isLocal) {
      this.#tellOfUs(failure.reason, nowMs);
      return;
    }
    this.#failuresInARow += 1;
    if (unsent || this.#failuresInARow >= FAILURES_TO_DOWN) this.#down(failure.reason, nowMs);
  }

  /** Asks the backend whether it is well, unless it was heard of within `freshMs`. Never throws; one check at a time. */
  async check(freshMs: number): Promise<void> {
    if (performance.now() - this.#heardAtMs < freshMs) return;
    this.#check ??= this.#ask().finally(() => {
      this.#check = undefined;
    });
    await this.#check;
  }

  stats(): BackendStats {
    const { running, connected } = this.pool.stats;
    return {
      origin: this.url.origin,
      state: this.#state,
      active: running,
      waiting: Math.max(0, this.pending - running),
      connections: connected,
      requests: this.#requests,
      failures: this.#failures,
      last_failure: this.#lastFailure,
    };
  }

  close(): void {
    this.pool.close();
  }

  async #ask(): Promise<void> {
    try {
      const path = this.#settings.GATEWAY_HEALTH_PATH;
      if (path === undefined) await this.pool.probe(CHECK_TIMEOUT_MS);
      else await this.#get(this.basePath + path);
      this.#well(performance.now());
    } catch (error) {
      const { reason, isLocal: isOurs } = toBackendFailure(error, CHECK_TIMEOUT_MS);
      this.#note(reason);
      if (isOurs) this.#tellOfUs(reason, performance.now());
      else this.#down(reason, performance.now());
    }
  }

  async #get(path: string): Promise<void> {
    const token = this.#settings.HF_TOKEN;
    const headers = token === undefined ? [] : ['authorization', `Bearer ${token}`];
    const status = await fetchStatus(this.pool, { path, method: 'GET', headers, body: null }, CHECK_TIMEOUT_MS);
    if (status >= 500) throw Object.assign(new Error('unwell'), { code: `answered ${status}` });
  }

  #well(nowMs: number): void {
    if (this.#state === 'down') log().info({ backend: this.url.origin }, 'backend is back');
    this.#state = 'up';
    this.#heardAtMs = nowMs;
    this.#failuresInARow = 0;
  }

  #down(reason: string, nowMs: number): void {
    if (this.#state !== 'down') log().warn({ backend: this.url.origin, reason }, 'backend is down');
    this.#state = 'down';
    this.#heardAtMs = nowMs;
  }

  #tellOfUs(reason: string, nowMs: number): void {
    if (nowMs - this.#toldAtMs < LOG_INTERVAL_MS) return;
    this.#toldAtMs = nowMs;
    log().error({ reason }, 'this machine cannot connect to backends: raise its limits (ulimit -n)');
  }

  #note(reason: string): void {
    this.#lastFailure = { at: new Date().toISOString(), reason };
  }
}
