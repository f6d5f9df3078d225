import { z } from 'zod';
import { withoutNul } from '#lib/wire/without-nul';

/** Wire of limits: what an event says of a share, and /api/admin/limits. */

/** Every limit, by its name on the wire. */
export const LIMIT_NAMES = [
  'tokens_per_day',
  'tokens_per_month',
  'requests_per_minute',
  'code_runs_per_minute',
  'code_seconds_per_day',
  'concurrent_requests',
  'context_tokens',
  'output_tokens',
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** The limits that may be a share of what all have. */
export const SHARE_NAMES = ['tokens_per_day', 'tokens_per_month'] as const satisfies readonly LimitName[];
export type ShareName = (typeof SHARE_NAMES)[number];

export const limitKindSchema = z.enum(['hard', 'share']);
export type LimitKind = z.infer<typeof limitKindSchema>;

/** How far a caller is over its share. */
export const shareOverrunSchema = z.object({
  name: z.enum(SHARE_NAMES),
  used: z.number().describe('Tokens.'),
  limit: z.number(),
  over_percent: z.number().describe('30: 130 % of the share are used.'),
});
export type ShareOverrun = z.infer<typeof shareOverrunSchema>;

/** In the events of a waiting request whose caller is over its share. */
export const shareStatusSchema = shareOverrunSchema.extend({
  ahead: z.number().describe('Other callers with requests in front of this one.'),
});
export type ShareStatus = z.infer<typeof shareStatusSchema>;

const MAX_LIMIT = 1_000_000_000_000;
const limitNumberSchema = z.int().min(0).max(MAX_LIMIT);

const storedLimitSchema = z.object({
  limit: limitNumberSchema.describe('0 is none, also where a less specific scope has one.'),
  kind: limitKindSchema,
});
export type StoredLimit = z.infer<typeof storedLimitSchema>;

type ByName<T> = { [Name in LimitName]: T };

function byName<T>(schema: T): ByName<T> {
  return Object.fromEntries(LIMIT_NAMES.map((name) => [name, schema])) as ByName<T>;
}

/** The limits of one scope. A name that is missing is that of a less specific scope. */
export const storedLimitsSchema = z.object(byName(storedLimitSchema.optional()));
export type StoredLimits = z.infer<typeof storedLimitsSchema>;

/** Limits of one key as they are given with it: all of them are hard. */
export const keyLimitsSchema = z.strictObject(byName(limitNumberSchema.optional()));
export type KeyLimits = z.infer<typeof keyLimitsSchema>;

/** A change of the limits of one key; a name that is missing stays as it is. */
export const keyLimitsChangeSchema = z.strictObject(byName(limitNumberSchema.nullable().optional()));
export type KeyLimitsChange = z.infer<typeof keyLimitsChangeSchema>;

export const limitScopeSchema = z
  .object({
    kind: z.enum(['default', 'group', 'user', 'key']),
    id: withoutNul(z.string().max(200)).default('').describe('Empty for default.'),
  })
  .refine(({ kind, id }) => (kind === 'default') === (id === ''), {
    message: 'must be the id of the group, user or key; default has none',
    path: ['id'],
  });
export type LimitScope = z.infer<typeof limitScopeSchema>;

/** The limits of everyone without more specific ones. */
export const DEFAULT_SCOPE: LimitScope = { kind: 'default', id: '' };

const newLimitSchema = z.union([
  limitNumberSchema.transform((limit) => ({ limit, kind: undefined })),
  z.object({ limit: limitNumberSchema, kind: limitKindSchema.optional() }),
]);

/** A change of the limits of one scope. */
export const limitsChangeSchema = z
  .object({
    scope: limitScopeSchema,
    limits: z
      .strictObject(byName(newLimitSchema.nullable().optional()))
      .describe(
        'A number, or {limit, kind}. PUT replaces all limits of the scope; PATCH changes those that are named.',
      ),
  })
  .superRefine(({ limits }, context) => {
    for (const name of LIMIT_NAMES)
      if (limits[name]?.kind === 'share' && !isShareName(name))
        context.addIssue({
          code: 'custom',
          path: ['limits', name, 'kind'],
          message: 'must be hard: only tokens are shared',
        });
  });
export type LimitsChange = z.infer<typeof limitsChangeSchema>;

export function isShareName(name: LimitName): name is ShareName {
  return SHARE_NAMES.some((share) => share === name);
}

export const scopedLimitsSchema = z.object({
  scope: z.object({ kind: limitScopeSchema.shape.kind, id: z.string() }),
  limits: storedLimitsSchema,
  locked: z.array(z.enum(LIMIT_NAMES)).describe('Set by the environment (LIMIT_*), and changed only there.'),
  updated_at: z.string().nullable().describe('ISO 8601; null for a scope without stored limits.'),
});
export type ScopedLimits = z.infer<typeof scopedLimitsSchema>;

/** Response of GET /api/admin/limits. */
export const limitListSchema = z.object({
  limits: z.array(scopedLimitsSchema).describe('default first, then groups, keys and users by their ids.'),
  next_cursor: z.string().nullable().describe('Of the next page; null after the last one.'),
});
export type LimitList = z.infer<typeof limitListSchema>;
