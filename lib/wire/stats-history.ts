import { z } from 'zod';

/** Wire of /api/stats/history. See docs/contract.md#statistics. */

export const HISTORY_RANGES = ['5m', '1h', '24h'] as const;
export type HistoryRange = (typeof HISTORY_RANGES)[number];

export const HISTORY_GROUPS = ['server', 'gateway'] as const;
export type HistoryGroup = (typeof HISTORY_GROUPS)[number];

export const historyQuerySchema = z.object({
  range: z.enum(HISTORY_RANGES, { error: `must be one of ${HISTORY_RANGES.join(', ')}` }).default('1h'),
  group: z.enum(HISTORY_GROUPS, { error: `must be one of ${HISTORY_GROUPS.join(', ')}` }).default('server'),
  since: z.coerce.number({ error: 'must be Unix seconds' }).default(0),
});

/** One value per moment, null without a measurement. */
const values = z.array(z.number().nullable());

export const serverSeriesSchema = z.object({
  requests_per_second: values.describe('Chat requests that arrived.'),
  tokens_per_second: values.describe('Generated tokens, of all responses together.'),
  code_runs_per_second: values.describe('Code runs that ended.'),
  running: values.describe('Generations that run.'),
  queued: values.describe('Generations that wait.'),
  code_running: values,
  code_queued: values,
  first_token_p50_ms: values.describe('Of the generations that ended in the interval, from the request on.'),
  first_token_p95_ms: values,
  total_p50_ms: values,
  total_p95_ms: values,
  code_p50_ms: values,
  code_p95_ms: values,
  error_rate: values.describe('Failed requests, as a fraction of those that ended and were not cancelled.'),
  failed_per_second: values,
  cancelled_per_second: values.describe('Requests that a client or an operator stopped.'),
  cache_hit_rate: values.describe('A fraction of the look-ups in the response cache.'),
  rss_mb: values,
  cpu_percent: values.describe('Of one core.'),
});
export type ServerSeries = z.infer<typeof serverSeriesSchema>;

export const gatewaySeriesSchema = z.object({
  requests_per_second: values.describe('Responses that started.'),
  first_byte_p50_ms: values,
  first_byte_p95_ms: values,
  error_rate: values.describe('Responses with a status from 500, as a fraction.'),
  open_requests: values,
  open_web_sockets: values,
});
export type GatewaySeries = z.infer<typeof gatewaySeriesSchema>;

/** The settings that bound what the series show. */
export const historyLimitsSchema = z.object({
  response_cache_mb: z.number(),
  conversation_cache_mb: z.number(),
});

export const statsHistorySchema = z.object({
  range: z.enum(HISTORY_RANGES),
  step_seconds: z.number().describe('Between two points: 10, and 300 for 24h.'),
  time: z
    .array(z.number())
    .describe('The end of each interval in Unix seconds, oldest first. Moments that were not measured are left out.'),
  complete_until: z
    .number()
    .describe(
      'A point after this moment is of an interval that has not ended. Send it as `since` to get what follows.',
    ),
  limits: historyLimitsSchema,
  server: serverSeriesSchema.optional(),
  gateway: gatewaySeriesSchema.optional(),
});
export type StatsHistory = z.infer<typeof statsHistorySchema>;
