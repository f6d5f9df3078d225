import { z } from 'zod';

/** Wire of GET /api/usage and GET /api/admin/usage. */

export const USAGE_GROUPS = ['day', 'model', 'key', 'user', 'group'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

const count = z.number();

export const usageRowSchema = z.object({
  day: z.string().optional().describe('YYYY-MM-DD.'),
  model: z.string().optional(),
  key: z.string().optional(),
  key_name: z.string().nullable().optional(),
  user: z.string().optional(),
  user_name: z.string().nullable().optional(),
  group: z.string().optional(),
  group_name: z.string().nullable().optional(),
  requests: count,
  cached: count.describe('Responses from the cache.'),
  joined: count.describe('Requests that shared the generation of an identical one.'),
  prompt_tokens: count,
  completion_tokens: count,
  tokens_saved: count.describe('By cache and coalescing.'),
  generation_ms: count,
  queue_ms: count,
  errors: count,
  code_runs: count,
  code_cpu_ms: count,
});
export type UsageRow = z.infer<typeof usageRowSchema>;

export const usageReportSchema = z.object({ rows: z.array(usageRowSchema) });
export type UsageReport = z.infer<typeof usageReportSchema>;
