import { z } from 'zod';
import { withoutNul } from '#lib/wire/without-nul';

/** Wire of /api/usage and /api/admin/usage. See docs/contract.md#usage. */

/** Sums of each row, in the order of the columns of a CSV file. */
export const USAGE_FIGURES = [
  'requests',
  'cached',
  'joined',
  'prompt_tokens',
  'completion_tokens',
  'tokens_saved',
  'generation_ms',
  'queue_ms',
  'errors',
  'code_runs',
  'code_cpu_ms',
] as const;
export type UsageFigure = (typeof USAGE_FIGURES)[number];
export type UsageFigures = Record<UsageFigure, number>;

/** What rows can be grouped by. */
export const USAGE_GROUPS = ['day', 'month', 'user', 'group', 'key', 'model', 'server', 'language', 'outcome'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Those whose values are ids: rows have a name next to each, `user_name` to `user`. */
export const NAMED_USAGE_GROUPS = ['user', 'group', 'key'] as const satisfies readonly UsageGroup[];
export type NamedUsageGroup = (typeof NAMED_USAGE_GROUPS)[number];

export function isNamedUsageGroup(group: UsageGroup): group is NamedUsageGroup {
  return NAMED_USAGE_GROUPS.some((named) => named === group);
}

/** What a caller can group its own usage by. */
export const OWN_USAGE_GROUPS = ['day', 'month', 'model', 'key', 'language'] as const;

/** Ten years. */
export const MAX_USAGE_DAYS = 3_660;
const DAY_MS = 24 * 60 * 60 * 1000;

export const daySchema = z
  .string()
  .refine(isDay, { error: 'must be a day: 2026-11-29' })
  .describe('A day of the time zone of the server (TZ): 2026-11-29.');

function groupBy<const Group extends UsageGroup>(groups: readonly Group[], fallback: readonly NoInfer<Group>[]) {
  const names: ReadonlySet<string> = new Set(groups);
  const isGroup = (name: string): name is Group => names.has(name);
  return z
    .string()
    .transform((text) => [...new Set(text.split(',').map((name) => name.trim()))])
    .refine((found) => found.every(isGroup), { error: `must be one or more of ${groups.join(', ')}` })
    .transform((found) => found.filter(isGroup))
    .default([...fallback]);
}

const dates = { from: daySchema.optional(), to: daySchema.optional() };
const filter = withoutNul(z.string().max(200, 'must have at most 200 characters')).optional();

export const ownUsageQuerySchema = z
  .object({ ...dates, group_by: groupBy(OWN_USAGE_GROUPS, ['day', 'model']), key: filter })
  .superRefine(checkRange);

export const adminUsageQuerySchema = z
  .object({
    ...dates,
    group_by: groupBy(USAGE_GROUPS, ['user', 'model']),
    user: filter,
    group: filter,
    key: filter,
    model: filter,
    format: z.enum(['json', 'csv'], { error: 'must be json or csv' }).default('json'),
  })
  .superRefine(checkRange);
export type AdminUsageQuery = z.infer<typeof adminUsageQuerySchema>;

const figure = z.number().int().nonnegative();

export const usageFiguresSchema = z.object({
  requests: figure.describe('Requests to models: each choice of `n` is one.'),
  cached: figure.describe('Of them, those with a response from the cache.'),
  joined: figure.describe('Of them, those that shared the generation of an identical request.'),
  prompt_tokens: figure.describe('Tokens that models have read for these requests.'),
  completion_tokens: figure.describe('Tokens that models have written for these requests.'),
  tokens_saved: figure.describe('Tokens of cached and joined responses, which no model had to read or write.'),
  generation_ms: figure.describe('Time in which a model worked for these requests.'),
  queue_ms: figure.describe('Time in which these requests waited.'),
  errors: figure.describe('Requests that failed, and programs that could not be run. Not those that were cancelled.'),
  code_runs: figure.describe('Programs.'),
  code_cpu_ms: figure.describe('Processor time of the programs.'),
});

const name = z.string().nullable().optional();

export const usageRowSchema = usageFiguresSchema.extend({
  day: z.string().optional().describe('2026-11-29.'),
  month: z.string().optional().describe('2026-11.'),
  user: z.string().optional().describe('Id; empty without an account.'),
  user_name: name.describe('`deleted user` for a person whose account was deleted; null without an account.'),
  group: z.string().optional().describe('Id of the group at that time; empty without one.'),
  group_name: name.describe('`Class 9b (deleted)` for a group that was deleted; null without one.'),
  key: z.string().optional().describe('Id; empty for a session, `local` for callers without a key.'),
  key_name: name.describe('`Editor (deleted)` for a key that was revoked; null for keys of the settings.'),
  model: z.string().optional().describe('Empty for programs.'),
  server: z.string().optional().describe('Model server; empty for cached responses and programs.'),
  language: z.string().optional().describe('Of programs; empty for requests to models.'),
  outcome: z.string().optional().describe('How programs ended; empty for requests to models.'),
});
export type UsageReportRow = z.infer<typeof usageRowSchema>;

export const usageReportSchema = z.object({
  from: z.string().describe('The first day.'),
  to: z.string().describe('The last day.'),
  group_by: z.array(z.enum(USAGE_GROUPS)),
  total: usageFiguresSchema.describe('The sums of all rows.'),
  rows: z.array(usageRowSchema).describe('Each with the members that `group_by` names, in their order.'),
});
export type UsageReport = z.infer<typeof usageReportSchema>;

/** Whether a text is a day of the calendar, as `2026-11-29`. */
function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

function checkRange({ from, to }: { from?: string | undefined; to?: string | undefined }, context: z.RefinementCtx) {
  if (from === undefined || to === undefined) return;
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days < 1) context.addIssue({ code: 'custom', path: ['from'], message: 'must not be after to' });
  else if (days > MAX_USAGE_DAYS)
    context.addIssue({ code: 'custom', path: ['from'], message: `must be within ${MAX_USAGE_DAYS} days of to` });
}
