import { hasShape } from '#lib/browser/type-guards';
import type { CacheHeader, ChatEvent } from '#lib/wire/chat';
import type { QueueOverview } from '#lib/wire/chat-queue';
import type { CodeResult } from '#lib/wire/code';
import type { MicroservicesHealth, ValidateResult } from '#lib/wire/executor';
import type { GatewayStats } from '#lib/wire/gateway';
import type { InstanceStats, ModelServerStats, ServerStats, StatsActionResult } from '#lib/wire/server-stats';
import type { StatsHistory } from '#lib/wire/stats-history';

export const isChatEvent = hasShape<ChatEvent>({ done: 'boolean' });

export const isStats = hasShape<ServerStats>({
  timestamp: 'string',
  response_cache: 'object',
  conversation_cache: 'object',
  embedding_cache: 'object',
  batch_processor: 'object',
  queue_length: 'number',
  is_processing: 'boolean',
  latency: 'object',
  runner: 'object',
  process: 'object',
});

export const isModelServer = hasShape<ModelServerStats>({
  id: 'string',
  name: 'string',
  provider: 'string',
  address: 'string',
  state: 'string',
  slots: 'number',
  running: 'number',
  waiting: 'number',
  loaded: 'array',
});

export const isInstance = hasShape<InstanceStats>({
  id: 'string',
  name: 'string',
  version: 'string',
  state: 'string',
  started_at: 'string',
  seen_at: 'string',
  is_responding: 'boolean',
  requests: 'number',
  running: 'number',
  waiting: 'number',
  rss_mb: 'number',
});

export const isGatewayStats = hasShape<GatewayStats>({
  timestamp: 'string',
  state: 'string',
  has_token: 'boolean',
  pool_size: 'number',
  timeout_ms: 'number',
  backends: 'array',
  requests: 'object',
  web_sockets: 'object',
  recent: 'object',
});

export const isActionResult = hasShape<StatsActionResult>({ success: 'boolean', action: 'string', message: 'string' });

export const isSession = hasShape<{ needed: boolean; signed_in: boolean }>({ needed: 'boolean', signed_in: 'boolean' });

export const isCodeChunk = hasShape<{ text: string }>({ text: 'string' });

export const isCodeResult = hasShape<CodeResult>({
  stdout: 'string',
  stderr: 'string',
  exit_code: 'number',
  duration_ms: 'number',
  status: 'string',
  stage: 'string',
  truncated: 'boolean',
  cpu_ms: 'number',
  memory_kb: 'number',
});

export const isQueueOverview = hasShape<QueueOverview>({
  queue_length: 'number',
  is_processing: 'boolean',
  processing: 'array',
  pending: 'array',
  max_concurrent: 'number',
  max_queue_size: 'number',
  average_processing_time_ms: 'number',
  is_average_measured: 'boolean',
});

export const isStatsHistory = hasShape<StatsHistory>({
  range: 'string',
  step_seconds: 'number',
  time: 'array',
  complete_until: 'number',
  limits: 'object',
});

export const isQueueCancelled = hasShape<{ request_id: string; cancelled: boolean }>({
  request_id: 'string',
  cancelled: 'boolean',
});

export const isExecutors = hasShape<MicroservicesHealth>({ status: 'string', services: 'array' });

export const isValidation = hasShape<ValidateResult>({ isValid: 'boolean', errors: 'array', warnings: 'array' });

const CACHE_HEADERS: readonly CacheHeader[] = ['hit', 'miss', 'joined', 'bypass'];

export function cacheHeader(value: string | null): CacheHeader | null {
  return CACHE_HEADERS.find((known) => known === value) ?? null;
}
