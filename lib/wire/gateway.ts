import { z } from 'zod';
import { percentilesSchema } from '#lib/wire/server-stats';

/** Wire of /api/gateway-stats. See docs/contract.md#gateway. */

export const BACKEND_STATES = ['up', 'down', 'unknown'] as const;

export const backendStatsSchema = z.object({
  id: z.string(),
  /** Scheme, host and port. */
  origin: z.string(),
  state: z.enum(BACKEND_STATES),
  /** It gets no new requests; those in flight end. */
  draining: z.boolean(),
  /** Requests in progress, and requests that wait for a connection. */
  active: z.number(),
  waiting: z.number(),
  connections: z.number(),
  /** Since the process started. */
  requests: z.number(),
  failures: z.number(),
  /** Null if it never failed. */
  last_failure: z.object({ at: z.string(), reason: z.string() }).nullable(),
});
export type BackendStats = z.infer<typeof backendStatsSchema>;

export const gatewayStatsSchema = z.object({
  timestamp: z.string(),
  /** `degraded` if some of several backends are down. */
  state: z.enum(['not_configured', 'up', 'degraded', 'down', 'unknown']),
  has_token: z.boolean(),
  pool_size: z.number(),
  timeout_ms: z.number(),
  backends: z.array(backendStatsSchema),
  /** Since the process started. `failed` counts 502, 503 and 504 of the gateway itself. */
  requests: z.object({
    total: z.number(),
    active: z.number(),
    failed: z.number(),
    by_status: z.array(z.object({ status: z.number(), count: z.number() })),
  }),
  web_sockets: z.object({ total: z.number(), open: z.number() }),
  /**
   * Over the newest thousand requests. `error_rate` is the fraction 0..1 of 5xx responses,
   * `latency_ms` the time to the start of the response.
   */
  recent: z.object({ requests: z.number(), error_rate: z.number(), latency_ms: percentilesSchema }),
});
export type GatewayStats = z.infer<typeof gatewayStatsSchema>;
