import type { Histogram } from 'prom-client';
import { metrics } from '#lib/telemetry/metrics';
import type { GatewayStats } from '#lib/wire/gateway';

/** How many of the newest requests percentiles and the error rate are computed over. */
const WINDOW = 1000;

/** Counts requests and WebSockets since the process started. */
export class GatewayStatistics {
  readonly #counts = new Map<number, { count: number; histogram: Histogram.Internal<'status'> }>();
  readonly #recentMs = new Float64Array(WINDOW);
  readonly #recentErrors = new Uint8Array(WINDOW);
  #responses = 0;
  #active = 0;
  #failed = 0;
  #webSocketsTotal = 0;
  #webSocketsOpen = 0;

  requestStarted(): void {
    this.#active += 1;
  }

  requestEnded(): void {
    this.#active -= 1;
  }

  /** A response started `ms` after its request. `failed`: it is an error of this server. */
  responseStarted(status: number, ms: number, failed: boolean): void {
    const place = this.#responses % WINDOW;
    this.#recentMs[place] = ms;
    this.#recentErrors[place] = status >= 500 ? 1 : 0;
    this.#responses += 1;
    if (failed) this.#failed += 1;
    let entry = this.#counts.get(status);
    if (entry === undefined) {
      entry = { count: 0, histogram: metrics().gatewayDuration.labels({ status: String(status) }) };
      this.#counts.set(status, entry);
    }
    entry.count += 1;
    entry.histogram.observe(ms / 1000);
  }

  webSocketOpened(): void {
    this.#webSocketsTotal += 1;
    this.#webSocketsOpen += 1;
  }

  webSocketClosed(): void {
    this.#webSocketsOpen -= 1;
  }

  report(): Pick<GatewayStats, 'requests' | 'web_sockets' | 'recent'> {
    const requests = Math.min(this.#responses, WINDOW);
    const sorted = this.#recentMs.slice(0, requests).sort();
    const at = (share: number): number | null => {
      const value = sorted[Math.max(0, Math.ceil(share * requests) - 1)];
      return value === undefined ? null : Math.round(value * 100) / 100;
    };
    const errors = this.#recentErrors.subarray(0, requests).reduce((sum, error) => sum + error, 0);
    return {
      requests: {
        total: this.#responses,
        active: this.#active,
        failed: this.#failed,
        by_status: [...this.#counts]
          .map(([status, { count }]) => ({ status, count }))
          .sort((a, b) => a.status - b.status),
      },
      web_sockets: { total: this.#webSocketsTotal, open: this.#webSocketsOpen },
      recent: {
        requests,
        error_rate: requests === 0 ? 0 : errors / requests,
        latency_ms: { p50: at(0.5), p95: at(0.95), p99: at(0.99) },
      },
    };
  }
}
