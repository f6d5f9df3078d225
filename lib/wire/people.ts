import { z } from 'zod';
import { keyLimitsSchema } from '#lib/wire/limits';
import { daySchema } from '#lib/wire/usage';
import { withoutNul } from '#lib/wire/without-nul';

/**
 * Wire of accounts: who is asking, their keys, and what administrators see of people. Lists are
 * paged by a cursor. See docs/contract.md#access.
 */

export const ROLES = ['admin', 'manager', 'member'] as const;
export const roleSchema = z.enum(ROLES).describe('A manager administers the own group.');
export type PersonRole = z.infer<typeof roleSchema>;

export const SCOPES = ['chat', 'code', 'gateway', 'stats', 'admin'] as const;
export const scopeSchema = z.enum(SCOPES);
export type KeyScope = z.infer<typeof scopeSchema>;

export const groupNameSchema = z.object({ id: z.string(), name: z.string() });
export type GroupName = z.infer<typeof groupNameSchema>;

const isoTime = z.string().describe('ISO 8601.');
const cursorSchema = z.string().nullable().describe('Of the next page; null after the last one.');

export const limitStateSchema = z.object({
  name: z.string().describe('For example tokens_per_day.'),
  limit: z.number(),
  used: z.number(),
  resets_at: isoTime.nullable().describe('Null for a limit of what is running now.'),
  kind: z.enum(['hard', 'share']).describe('hard is refused with 429; share waits behind others.'),
});
export type LimitState = z.infer<typeof limitStateSchema>;

/** Response of GET /api/me. */
export const meSchema = z.object({
  user: z.object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    role: roleSchema,
    group: groupNameSchema.nullable(),
  }),
  auth: z.enum(['none', 'keys', 'accounts']),
  scopes: z.array(scopeSchema),
  limits: z.array(limitStateSchema),
  share: z.number().nullable().describe('Used part of the share, from 0; above 1 its requests wait behind others.'),
  has_password: z
    .boolean()
    .nullable()
    .optional()
    .describe('Whether the person can sign in with a password; null without accounts, and for keys.'),
  provider: z
    .object({ name: z.string(), linked: z.boolean().describe('Whether the person can sign in there.') })
    .nullable()
    .optional()
    .describe('The single sign-on of the server; null without it, without accounts, and for keys.'),
});
export type Me = z.infer<typeof meSchema>;

/** A key as its owner and administrators see it. The key itself is shown once. */
export const accessKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('The first characters, to recognise it.'),
  scopes: z.array(scopeSchema),
  models: z.array(z.string()).nullable().describe('Null is all models.'),
  created_at: isoTime,
  expires_at: isoTime.nullable(),
  last_used_at: isoTime.nullable(),
  trust_end_user: z.boolean().optional().describe('The field user of OpenAI requests is a caller of its own.'),
  owner: groupNameSchema.nullable().optional().describe('Of a personal key, in lists of administrators.'),
  group: groupNameSchema.nullable().optional().describe('Of a service key.'),
  limits: keyLimitsSchema.nullable().optional().describe('Of the key itself; null without any.'),
});
export type AccessKey = z.infer<typeof accessKeySchema>;

export const keyListSchema = z.object({ keys: z.array(accessKeySchema), next_cursor: cursorSchema.optional() });
export type KeyList = z.infer<typeof keyListSchema>;

export const createdKeySchema = accessKeySchema.extend({ key: z.string().describe('Shown only here.') });
export type CreatedKey = z.infer<typeof createdKeySchema>;

export const newKeySchema = z.object({
  name: z.string().trim().min(1).max(100),
  expires_in_days: z.int().min(1).max(3650).optional().describe('Never expires where it is missing.'),
  scopes: z.array(scopeSchema).min(1).optional(),
  models: z.array(z.string().min(1).max(512)).max(200).optional().describe('All models where it is missing.'),
  limits: keyLimitsSchema.optional(),
});
export type NewKey = z.infer<typeof newKeySchema>;

export const memberSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: roleSchema,
  group: groupNameSchema.nullable(),
  disabled: z.boolean(),
  two_factor: z.boolean(),
  created_at: isoTime,
  last_seen_at: isoTime.nullable(),
});
export type Member = z.infer<typeof memberSchema>;

export const memberListSchema = z.object({
  users: z.array(memberSchema),
  next_cursor: cursorSchema,
  total: z.number().optional(),
});
export type MemberList = z.infer<typeof memberListSchema>;

export const invitationSchema = z.object({
  id: z.string(),
  role: roleSchema,
  group: groupNameSchema.nullable(),
  email: z.string().nullable().describe('Only this address may use it.'),
  note: z.string().nullable(),
  max_uses: z.number(),
  uses: z.number(),
  created_at: isoTime,
  created_by: groupNameSchema.nullable().describe('The person who made it; null for a key of the settings.'),
  expires_at: isoTime,
});
export type Invitation = z.infer<typeof invitationSchema>;
export const invitationListSchema = z.object({ invitations: z.array(invitationSchema), next_cursor: cursorSchema });
export type InvitationList = z.infer<typeof invitationListSchema>;
/** Whether a mail was sent, for who asked for it. */
export const mailReportSchema = z.union([
  z.object({ sent: z.literal(true) }),
  z.object({
    sent: z.literal(false),
    code: z.string().describe('Why not, for programs: see docs/contract.md#mail.'),
    message: z.string().describe('What to do.'),
  }),
]);
export type MailReport = z.infer<typeof mailReportSchema>;

export const createdInvitationSchema = invitationSchema.extend({
  url: z.string().describe('Shown only here.'),
  mail: mailReportSchema.nullable().optional().describe('Null where no mail was to be sent.'),
});
export type CreatedInvitation = z.infer<typeof createdInvitationSchema>;

/** What the join page shows of an invitation. */
export const openInvitationSchema = z.object({
  role: roleSchema,
  group: groupNameSchema.pick({ name: true }).nullable(),
  email: z.string().nullable(),
  expires_at: isoTime,
});
export type OpenInvitation = z.infer<typeof openInvitationSchema>;

export const groupSchema = z.object({
  id: z.string(),
  name: z.string(),
  members: z.number(),
  manager: groupNameSchema.nullable().describe('The person who manages it.'),
  created_at: isoTime,
});
export type Group = z.infer<typeof groupSchema>;
export const groupListSchema = z.object({ groups: z.array(groupSchema), next_cursor: cursorSchema });
export type GroupList = z.infer<typeof groupListSchema>;

const auditValue = z.union([z.string(), z.number(), z.boolean()]).nullable();
export const auditChangeSchema = z.object({
  field: z.string().describe('For example `parameters.temperature`, or `value` of a setting.'),
  before: auditValue.describe('Null where it was not set. Long texts are cut around their first difference.'),
  after: auditValue,
});
export type AuditChange = z.infer<typeof auditChangeSchema>;

export const auditEntrySchema = z.object({
  id: z.string(),
  at: isoTime,
  actor: z.object({ id: z.string(), name: z.string() }).nullable().describe('Null for the server itself.'),
  action: z.string().describe('For example user.disable.'),
  target: z.string().nullable().describe('Id of what was changed; of limits with its kind: user:id.'),
  target_name: z
    .string()
    .nullable()
    .describe('Of the person, the group or the key; of a request that of its owner; null for anything else.'),
  summary: z.string().describe('A sentence for people.'),
  changes: z
    .array(auditChangeSchema)
    .describe('What it was and what it became, with names in the place of ids. Empty where neither is recorded.'),
  detail: z
    .record(z.string(), z.unknown())
    .nullable()
    .optional()
    .describe('What was recorded, in full; of a request, and of a key and its limits, the `owner`.'),
  address: z.string().nullable(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;
export const auditListSchema = z.object({ entries: z.array(auditEntrySchema), next_cursor: cursorSchema });
export type AuditList = z.infer<typeof auditListSchema>;

/** What actions are about: `user` of `user.disable`. */
export const AUDIT_KINDS = [
  'user',
  'account',
  'invitation',
  'group',
  'key',
  'limits',
  'model',
  'setting',
  'banner',
  'backend',
  'cache',
  'request',
  'usage',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

const auditText = withoutNul(z.string().max(200, 'must have at most 200 characters')).optional();

/** Query of GET /api/admin/audit, next to `limit` and `cursor`. */
export const auditQuerySchema = z
  .object({
    action: z
      .string()
      .regex(/^[a-z]+(\.[a-z_]+)?$/, 'must be an action such as user.disable, or a kind such as user')
      .max(100, 'must have at most 100 characters')
      .optional(),
    who: auditText,
    actor: auditText,
    target: auditText,
    from: daySchema.optional(),
    to: daySchema.optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ['from'],
    error: 'must not be after to',
  });
