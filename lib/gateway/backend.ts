import { hash } from 'node:crypto';
import type { Config } from '#lib/config/config';
import { type BackendFailure, toBackendFailure } from '#lib/gateway/backend-errors';
import type { BackendLoad } from '#lib/gateway/load-balancer';
import { TokenMask } from '#lib/gateway/token-mask';
import { fetchStatus } from '#lib/http-client/fetch-status';
import { HttpPool } from '#lib/http-client/pool';
import { chooseDisplaced } from '#lib/max-min-fairness';
import { log } from '#lib/telemetry/log';
import type { BackendStats } from '#lib/wire/gateway';

/** Consecutive failed responses after which a backend is down. One failed connection is enough. */
const FAILURES_TO_DOWN = 3;
const CONNECT_TIMEOUT_MS = 10_000;
const CHECK_TIMEOUT_MS = 3_000;
const LOCAL_FAILURE_LOG_INTERVAL_MS = 60_000;

/** Where a backend is named: in the settings, or by an administrator while the server runs. */
export type BackendSource = 'environment' | 'added';

const ID_CHARS = 16;

/** The id of a backend, which its address decides. */
export function backendId(url: string): string {
  return hash('sha256', new URL(url).href, 'base64url').slice(0, ID_CHARS);
}

/** One backend: its connections, its load and its health. */
export class Backend implements BackendLoad {
  readonly id: string;
  readonly source: BackendSource;
  /** As it was given. */
  readonly address: string;
  readonly url: URL;
  /** The prefix of each path; empty for a backend at the root of its host. */
  readonly basePath: string;
  readonly pool: HttpPool;
  /** HF_TOKEN, for backends of the settings alone: no address that is added may collect it. */
  readonly token: string | undefined;
  /** For its responses. One without the token must not show which text the mask would hold back. */
  readonly tokenMask: TokenMask;
  /** It gets no new requests. Set by `Gateway.drain`. */
  isDraining = false;
  #pending = 0;
  #isRetired = false;
  #onRetired: (() => void) | undefined;
  readonly #webSockets = new Set<() => void>();
  readonly #settings: Config;
  #state: BackendStats['state'] = 'unknown';
  #stateAtMs = Number.NEGATIVE_INFINITY;
  #failuresInARow = 0;
  #requests = 0;
  #failures = 0;
  #lastFailure: BackendStats['last_failure'] = null;
  #check: Promise<void> | undefined;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(url: string, settings: Config, source: BackendSource) {
    this.id = backendId(url);
    this.address = url;
    this.source = source;
    this.token = source === 'environment' ? settings.HF_TOKEN : undefined;
    this.tokenMask = new TokenMask(this.token);
    this.url = new URL(url);
    this.basePath = this.url.pathname === '/' ? '' : this.url.pathname;
    this.#settings = settings;
    this.pool = new HttpPool(this.url, {
      size: settings.GATEWAY_POOL_SIZE,
      maxWaiting: settings.GATEWAY_MAX_QUEUE,
      chooseDisplaced,
      keepAliveMs: settings.GATEWAY_KEEP_ALIVE_MS,
      responseMs: settings.GATEWAY_TIMEOUT_MS,
      connectMs: Math.min(CONNECT_TIMEOUT_MS, settings.GATEWAY_TIMEOUT_MS),
    });
  }

  get isDown(): boolean {
    return this.#state === 'down';
  }

  /** Requests that are running or wait for a connection. */
  get pending(): number {
    return this.#pending;
  }

  begin(): void {
    this.#pending += 1;
  }

  end(): void {
    this.#pending -= 1;
    this.#closeIfRetired();
  }

  /** Open WebSockets. */
  get webSockets(): number {
    return this.#webSockets.size;
  }

  /** Counts a WebSocket, which `close` closes. Returns a function to call once it is closed. */
  addWebSocket(close: () => void): () => void {
    this.#webSockets.add(close);
    // Its handshake was in flight when the backend was removed.
    if (this.#isRetired) setImmediate(close);
    return () => void this.#webSockets.delete(close);
  }

  /** Closes WebSockets now, and the connections with the end of the last request. */
  retire(onRetired: () => void): void {
    this.#isRetired = true;
    this.#onRetired = onRetired;
    for (const close of this.#webSockets) close();
    this.#closeIfRetired();
  }

  #closeIfRetired(): void {
    const onRetired = this.#onRetired;
    if (onRetired === undefined || this.#pending > 0) return;
    // Not within a callback of one of its connections.
    setImmediate(() => {
      if (this.#pending > 0) return;
      this.#onRetired = undefined;
      this.close();
      onRetired();
    });
  }

  get state(): BackendStats['state'] {
    return this.#state;
  }

  /** The backend started a response of any status. */
  recordSuccess(nowMs: number = performance.now()): void {
    this.#requests += 1;
    this.#markUp(nowMs);
  }

  /** `isUnsent`: no connection could be opened. */
  recordFailure(failure: BackendFailure, isUnsent: boolean, nowMs: number = performance.now()): void {
    this.#requests += 1;
    this.#failures += 1;
    this.#setLastFailure(failure.reason);
    if (failure.isLocal) {
      this.#logLocalFailure(failure.reason, nowMs);
      return;
    }
    this.#failuresInARow += 1;
    if (isUnsent || this.#failuresInARow >= FAILURES_TO_DOWN) this.#markDown(failure.reason, nowMs);
  }

  /** Checks the backend unless its state is newer than `freshMs`. Never throws. Single-flight. */
  async check(freshMs: number): Promise<void> {
    if (performance.now() - this.#stateAtMs < freshMs) return;
    this.#check ??= this.#probe().finally(() => {
      this.#check = undefined;
    });
    await this.#check;
  }

  stats(): BackendStats {
    const { running, connected } = this.pool.stats;
    return {
      id: this.id,
      origin: this.url.origin,
      state: this.#state,
      draining: this.isDraining,
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

  async #probe(): Promise<void> {
    try {
      const path = this.#settings.GATEWAY_HEALTH_PATH;
      if (path === undefined) await this.pool.probe(CHECK_TIMEOUT_MS);
      else await this.#fetchHealth(this.basePath + path);
      this.#markUp(performance.now());
    } catch (error) {
      const { reason, isLocal } = toBackendFailure(error, CHECK_TIMEOUT_MS);
      this.#setLastFailure(reason);
      if (isLocal) this.#logLocalFailure(reason, performance.now());
      else this.#markDown(reason, performance.now());
    }
  }

  async #fetchHealth(path: string): Promise<void> {
    const headers = this.token === undefined ? [] : ['authorization', `Bearer ${this.token}`];
    const status = await fetchStatus(this.pool, { path, method: 'GET', headers, body: null }, CHECK_TIMEOUT_MS);
    if (status >= 500) throw Object.assign(new Error('unhealthy'), { code: `answered ${status}` });
  }

  #markUp(nowMs: number): void {
    if (this.#state === 'down') log().info({ backend: this.url.origin }, 'backend is back');
    this.#state = 'up';
    this.#stateAtMs = nowMs;
    this.#failuresInARow = 0;
  }

  #markDown(reason: string, nowMs: number): void {
    if (this.#state !== 'down') log().warn({ backend: this.url.origin, reason }, 'backend is down');
    this.#state = 'down';
    this.#stateAtMs = nowMs;
  }

  #logLocalFailure(reason: string, nowMs: number): void {
    if (nowMs - this.#loggedAtMs < LOCAL_FAILURE_LOG_INTERVAL_MS) return;
    this.#loggedAtMs = nowMs;
    log().error({ reason }, 'this machine cannot connect to backends: raise its limits (ulimit -n)');
  }

  #setLastFailure(reason: string): void {
    this.#lastFailure = { at: new Date().toISOString(), reason };
  }
}
