import type { Histogram } from 'prom-client';
import { metrics } from '#lib/telemetry/metrics';
import type { GatewayStats } from '#lib/wire/gateway';

/** The newest so many requests are what percentiles and the error rate are taken over. */
const WINDOW = 1000;

/** Counts requests and WebSockets since the process began. */
export class GatewayStatistics {
  readonly #counts = new Map<number, { count: number; histogram: Histogram.Internal<'status'> }>();
  readonly #recentMs = new Float64Array(WINDOW);
  readonly #recentErrors = new Uint8Array(WINDOW);
  #answered = 0;
  #active = 0;
  #failed = 0;
  #socketsTotal = 0;
  #socketsOpen = 0;

  requestStarted(): void {
    this.#active += 1;
  }

  requestEnded(): void {
    this.#active -= 1;
  }

  /** One request began to be answered, `ms` after it came. `failed`: not by the backend. */
  responseStarted(status: number, ms: number, failed: boolean): void {
    const place = this.#answered % WINDOW;
    this.#recentMs[place] = ms;
    this.#recentErrors[place] = status >= 500 ? 1 : 0;
    this.#answered += 1;
    if (failed) this.#failed += 1;
    let entry = this.#counts.get(status);
    if (entry === undefined) {
      // The child of a label is found once, not at every request.
      entry = { count: 0, histogram: metrics().gatewayDuration.labels({ status: String(status) }) };
      this.#counts.set(status, entry);
    }
    entry.count += 1;
    entry.histogram.observe(ms / 1000);
  }

  webSocketOpened(): void {
    this.#socketsTotal += 1;
    this.#socketsOpen += 1;
  }

  webSocketClosed(): void {
    this.#socketsOpen -= 1;
  }

  report(): Pick<GatewayStats, 'requests' | 'web_sockets' | 'recent'> {
    const requests = Math.min(this.#answered, WINDOW);
    const sorted = this.#recentMs.slice(0, requests).sort();
    const at = (share: number): number | null => {
      const value = sorted[Math.max(0, Math.ceil(share * requests) - 1)];
      return value === undefined ? null : Math.round(value * 100) / 100;
    };
    const errors = this.#recentErrors.subarray(0, requests).reduce((sum, error) => sum + error, 0);
    return {
      requests: {
        total: this.#answered,
        active: this.#active,
        failed: this.#failed,
        by_status: [...this.#counts]
          .map(([status, { count }]) => ({ status, count }))
          .sort((a, b) => a.status - b.status),
      },
      web_sockets: { total: this.#socketsTotal, open: this.#socketsOpen },
      recent: {
        requests,
        error_rate: requests === 0 ? 0 : errors / requests,
        latency_ms: { p50: at(0.5), p95: at(0.95), p99: at(0.99) },
      },
    };
  }
}
