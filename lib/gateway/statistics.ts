import type { Histogram } from 'prom-client';
import { metrics } from '#lib/telemetry/metrics';
import { PERCENTILE_WINDOW, PercentileWindow } from '#lib/telemetry/percentiles';
import type { GatewayStats } from '#lib/wire/gateway';

/** Counts requests and WebSockets since the process started. */
export class GatewayStatistics {
  readonly #counts = new Map<number, { count: number; histogram: Histogram.Internal<'status'> }>();
  readonly latencyMs = new PercentileWindow(2);
  readonly #recentErrors = new Uint8Array(PERCENTILE_WINDOW);
  #responses = 0;
  #errors = 0;
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
    this.latencyMs.add(ms);
    this.#recentErrors[this.#responses % PERCENTILE_WINDOW] = status >= 500 ? 1 : 0;
    if (status >= 500) this.#errors += 1;
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

  /** Responses so far, those with a status from 500, and what is open now. */
  counters(): { responses: number; errors: number; active: number; webSockets: number } {
    const active = this.#active;
    return { responses: this.#responses, errors: this.#errors, active, webSockets: this.#webSocketsOpen };
  }

  report(): Pick<GatewayStats, 'requests' | 'web_sockets' | 'recent'> {
    const requests = Math.min(this.#responses, PERCENTILE_WINDOW);
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
        latency_ms: this.latencyMs.percentiles(),
      },
    };
  }
}
