import { z } from 'zod';
import { providerIdSchema } from '#lib/wire/models';

/** Wire of /api/cache-stats. See docs/contract.md#statistics. */

/** What a cache has in the database as well. */
export const persistedStatsSchema = z.object({
  entries: z.number(),
  size_mb: z.number().describe('Keys and values.'),
  hits: z.number().describe('Read from the database since the process started. They count as hits of the cache, too.'),
});
export type PersistedStats = z.infer<typeof persistedStatsSchema>;

/** Both rates are 0 before the first look-up. */
export const cacheStatsSchema = z.object({
  total_entries: z.number(),
  total_size_mb: z.number().describe('Keys and values.'),
  hit_rate: z.number().describe('A fraction, 0 to 1.'),
  miss_rate: z.number().describe('A fraction, 0 to 1.'),
  memory_usage_percent: z.number().describe('Percentage of the limit.'),
  hits: z.number(),
  misses: z.number(),
  evictions: z.number(),
  persisted: persistedStatsSchema.optional().describe('Missing without CACHE_PERSIST, and for conversations.'),
});
export type CacheStats = z.infer<typeof cacheStatsSchema>;

/** Milliseconds, null without measurements. */
export const percentilesSchema = z.object({
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
});
export type Percentiles = z.infer<typeof percentilesSchema>;

/** Since the process started. */
export const runnerStatsSchema = z.object({
  sandbox: z.string(),
  active: z.number(),
  waiting: z.number(),
  max_concurrent: z.number(),
  total_runs: z.number(),
  runs: z.array(z.object({ language: z.string(), status: z.string(), count: z.number() })),
  duration_ms: percentilesSchema,
  /** Warm sandboxes by template: their number and memory, at most a few seconds old. */
  warm: z.array(z.object({ name: z.string(), waiting: z.number(), resident_kb: z.number() })).default([]),
});
export type RunnerStats = z.infer<typeof runnerStatsSchema>;

/** `average_batch_size` has one decimal. */
export const batchStatsSchema = z.object({
  total_requests: z.number(),
  cached_responses: z.number(),
  deduplicated_requests: z.number(),
  batches_processed: z.number(),
  average_batch_size: z.number(),
  cache_hit_rate: z.number().describe('Percent, rounded.'),
  deduplication_rate: z.number().describe('Percent, rounded.'),
});
export type BatchStats = z.infer<typeof batchStatsSchema>;

/** One model server, with the work that it has and the figures of what it did. */
export const modelServerStatsSchema = z.object({
  id: z.string().describe('The same after a restart: 8 hex digits of a hash over provider and address.'),
  name: z.string().describe('From the settings, else host and port.'),
  provider: providerIdSchema,
  address: z.string().describe('Without credentials.'),
  state: z.enum(['up', 'down']),
  /** A sentence that says what to do if the server is down. */
  error: z.string().nullable(),
  slots: z.number().describe('Generations that may run on it at a time.'),
  running: z.number(),
  waiting: z.number(),
  loaded: z.array(z.string()).describe('Models in its memory, which respond without loading.'),
  models: z.number().nullable().describe('How many models it has. Null if it is not known.'),
  average_ms: z.number().nullable().describe('Moving average of its generations; null without one.'),
  tokens_per_second: z.number().nullable().describe('Of one generation; null without a measurement.'),
});
export type ModelServerStats = z.infer<typeof modelServerStatsSchema>;

/** A server as the others of its cluster see it. */
export const instanceStatsSchema = z.object({
  id: z.string().describe('Another one after each start.'),
  name: z.string().describe('Host name and port.'),
  version: z.string(),
  state: z
    .enum(['ready', 'stopping', 'lost'])
    .describe(
      '`lost`: it reports nothing any more, and was not stopped. It is listed for 10 minutes, or until its name is back.',
    ),
  started_at: z.string(),
  seen_at: z.string().describe('When its figures were taken.'),
  is_responding: z.boolean().describe('Whether it is the one that sent this response.'),
  requests: z.number().describe('Chat requests since it started.'),
  running: z.number(),
  waiting: z.number().describe('In its line; with a shared one, those of all instances.'),
  rss_mb: z.number(),
});
export type InstanceStats = z.infer<typeof instanceStatsSchema>;

/** Whose figures they are: of all servers that share a Redis, or of one while Redis is away. */
export const figureScopeSchema = z.enum(['cluster', 'instance']);
export type FigureScope = z.infer<typeof figureScopeSchema>;

export const serverStatsSchema = z.object({
  timestamp: z.string(),
  response_cache: cacheStatsSchema,
  conversation_cache: cacheStatsSchema,
  embedding_cache: cacheStatsSchema.describe('Embeddings by single input. Cleared with the response cache.'),
  batch_processor: batchStatsSchema,
  queue_length: z.number(),
  is_processing: z.boolean(),
  latency: z.object({ first_token_ms: percentilesSchema, total_ms: percentilesSchema }),
  runner: runnerStatsSchema,
  process: z.object({ rss_mb: z.number(), uptime_seconds: z.number(), version: z.string() }),
  model_servers: z.array(modelServerStatsSchema).optional().describe('In the order of the settings.'),
  scope: figureScopeSchema
    .optional()
    .describe(
      'With REDIS_URL: `cluster` if the figures are those of all servers together, `instance` if they are those of this one because Redis does not respond. `process` is of this server in any case.',
    ),
  instances: z.array(instanceStatsSchema).optional().describe('With REDIS_URL: the servers, by name.'),
});
export type ServerStats = z.infer<typeof serverStatsSchema>;

export const STATS_ACTIONS = ['clear', 'clear_response_cache', 'clear_conversation_cache', 'warm_model'] as const;

export const statsActionSchema = z.object({
  action: z.enum(STATS_ACTIONS, { error: `must be one of ${STATS_ACTIONS.join(', ')}` }),
  data: z
    .object({
      model: z.string().min(1).max(256).optional().describe('Default: the default model.'),
      server: z
        .string()
        .min(1)
        .max(256)
        .optional()
        .describe('The name of a model server. Default: every one that is up and has the model.'),
    })
    .optional()
    .describe('For warm_model.'),
});
export type StatsAction = z.infer<typeof statsActionSchema>;

export const statsActionResultSchema = z.object({
  success: z.literal(true),
  action: z.enum(STATS_ACTIONS),
  message: z.string(),
  cleared_entries: z.number().optional(),
  model: z.string().optional(),
  load_duration_ms: z.number().optional().describe('The longest one.'),
  servers: z
    .array(
      z.object({
        name: z.string(),
        load_duration_ms: z.number().optional(),
        error: z.string().optional().describe('Why it could not load the model.'),
      }),
    )
    .readonly()
    .optional()
    .describe('Where the model was loaded, if there are several model servers or one with a name.'),
});
export type StatsActionResult = z.infer<typeof statsActionResultSchema>;
