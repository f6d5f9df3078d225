import { z } from 'zod';
import { percentilesSchema } from '#lib/wire/server-stats';

/** The wire of /api/gateway-stats, which the gateway's page shows. */

export const BACKEND_STATES = ['up', 'down', 'unknown'] as const;

export const backendStatsSchema = z.object({
  /** Scheme, host and port. */
  origin: z.string(),
  state: z.enum(BACKEND_STATES),
  /** Requests that it works on, and those that wait for a connection to it. */
  active: z.number(),
  waiting: z.number(),
  connections: z.number(),
  /** Since the process began. */
  requests: z.number(),
  failures: z.number(),
  /** Why it failed last; null where it never has. */
  last_failure: z.object({ at: z.string(), reason: z.string() }).nullable(),
});
export type BackendStats = z.infer<typeof backendStatsSchema>;

export const gatewayStatsSchema = z.object({
  timestamp: z.string(),
  /** `degraded` where some of several backends are down. */
  state: z.enum(['not_configured', 'up', 'degraded', 'down', 'unknown']),
  has_token: z.boolean(),
  pool_size: z.number(),
  timeout_ms: z.number(),
  backends: z.array(backendStatsSchema),
  /**
   * Since the process began. `failed` are those without an answer of the backend: 502, 503 and 504.
   */
  requests: z.object({
    total: z.number(),
    active: z.number(),
    failed: z.number(),
    by_status: z.array(z.object({ status: z.number(), count: z.number() })),
  }),
  web_sockets: z.object({ total: z.number(), open: z.number() }),
  /**
   * Over the newest thousand: how many they are, the fraction 0..1 answered 5xx, and milliseconds
   * to the start of the answer.
   */
  recent: z.object({ requests: z.number(), error_rate: z.number(), latency_ms: percentilesSchema }),
});
export type GatewayStats = z.infer<typeof gatewayStatsSchema>;
