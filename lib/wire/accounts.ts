import { z } from 'zod';
import { keyLimitsChangeSchema, keyLimitsSchema, storedLimitsSchema } from '#lib/wire/limits';
import { accessKeySchema, mailReportSchema, memberSchema, roleSchema, scopeSchema } from '#lib/wire/people';
import { usageRowSchema } from '#lib/wire/usage';
import { withoutNul } from '#lib/wire/without-nul';

/** Requests of /api/setup, /api/join, /api/auth/*, /api/keys and the people of /api/admin/*. */

/** Bounds of a password, in characters. */
export const PASSWORD_CHARS = { least: 10, most: 128 } as const;

const newPasswordSchema = z
  .string()
  .min(PASSWORD_CHARS.least, `must have at least ${PASSWORD_CHARS.least} characters`)
  .max(PASSWORD_CHARS.most, `must have at most ${PASSWORD_CHARS.most} characters`);
/** A password that is compared may be any text. */
const shownPasswordSchema = z.string().min(1, 'must not be empty').max(1000);
const emailSchema = z
  .string()
  .trim()
  .toLowerCase()
  .max(254)
  .pipe(z.email('must be an e-mail address such as ada@school.example'));
const personNameSchema = withoutNul(z.string().trim().min(1, 'must not be empty').max(100));
const secretSchema = z.string().min(1, 'must not be empty').max(200);
const idSchema = withoutNul(z.string().min(1).max(200));

export const newPersonSchema = z.object({
  name: personNameSchema,
  email: emailSchema,
  password: newPasswordSchema.describe(`${PASSWORD_CHARS.least} to ${PASSWORD_CHARS.most} characters.`),
});
export type NewPerson = z.output<typeof newPersonSchema>;

export const setUpRequestSchema = newPersonSchema.extend({
  token: secretSchema.describe('Of the link in the log of the last start.'),
});
export const joinRequestSchema = newPersonSchema.extend({
  token: secretSchema.optional().describe('Of the invitation; not needed with SIGN_UP=open.'),
});
export const signUpRequestSchema = newPersonSchema.extend({ invitation: secretSchema.optional() });
export const signedUpSchema = z.object({
  user: z.object({ id: z.string(), name: z.string(), email: z.string(), role: roleSchema }),
});
export const setUpStateSchema = z.object({ needed: z.boolean().describe('Whether there is no administrator yet.') });

/** A page of this server: a path, so that a sign-in leads to no other host. */
const pagePathSchema = z
  .string()
  .max(2000)
  .regex(/^\/(?![/\\])[!-[\]-~]*$/, 'must be a path of this server, such as /dashboard');

export const emailSignInSchema = z.object({
  email: emailSchema,
  password: shownPasswordSchema,
  rememberMe: z.boolean().optional(),
});
export const providerSignInSchema = z.object({
  provider: z.literal('oidc'),
  callbackURL: pagePathSchema.optional(),
  invitation: secretSchema.optional(),
});
export const linkProviderSchema = providerSignInSchema.omit({ invitation: true });
export const passwordChangeSchema = z.object({
  currentPassword: shownPasswordSchema,
  newPassword: newPasswordSchema,
  revokeOtherSessions: z.boolean().optional(),
});
export const forgottenPasswordSchema = z.object({ email: emailSchema });
export const passwordResetSchema = z.object({ token: secretSchema, newPassword: newPasswordSchema });
/** POST /api/auth/reset-link: whether a link to set a password can be used. */
export const resetLinkCheckSchema = passwordResetSchema.pick({ token: true });
export const openResetLinkSchema = z.object({ expires_at: z.string() });
export type OpenResetLink = z.infer<typeof openResetLinkSchema>;
export const passwordProofSchema = z.object({ password: shownPasswordSchema });
export const optionalPasswordProofSchema = z.object({ password: shownPasswordSchema.optional() });
export const codeSchema = z.object({
  code: z.string().min(1).max(40),
  trustDevice: z.boolean().optional(),
});
export const sessionNameSchema = z.object({ token: idSchema.describe('The id of a session in the list.') });

/** Response of GET /api/auth/options. */
export const signInOptionsSchema = z.object({
  mode: z.literal('accounts'),
  sign_up: z.enum(['closed', 'invite', 'open']),
  sign_up_domains: z.array(z.string()),
  provider: z.object({ id: z.string(), name: z.string() }).nullable(),
  setup_needed: z.boolean(),
  sends_mail: z.boolean().describe('Whether a forgotten password is replaced by a mailed link.'),
});
export type AccountOptions = z.infer<typeof signInOptionsSchema>;

export const keyRequestSchema = z.object({
  name: personNameSchema,
  expires_in_days: z.int().min(1).max(3650).nullish().describe('Never expires where it is missing.'),
  scopes: z.array(scopeSchema).min(1).max(5).nullish().describe('chat, code, gateway and stats where it is missing.'),
  models: z.array(z.string().min(1).max(512)).min(1).max(200).nullish().describe('All models where it is missing.'),
  limits: keyLimitsSchema
    .nullish()
    .describe('Limits of the key by their names, all of them hard, in addition to those of its owner.'),
});
export type KeyRequest = z.output<typeof keyRequestSchema>;

export const keyChangeSchema = z.object({
  limits: keyLimitsChangeSchema.describe('Those that are named are changed, a new one is hard; null removes one.'),
});

export const serviceKeyRequestSchema = keyRequestSchema.extend({
  group_id: idSchema.describe('The group that the key belongs to.'),
  trust_end_user: z.boolean().nullish().describe('The field user of OpenAI requests is a caller of its own.'),
});

export const keyResponseSchema = accessKeySchema.extend({ limits: keyLimitsSchema.nullable() });

export const userChangeSchema = z.object({
  name: personNameSchema.optional(),
  role: roleSchema.optional(),
  group_id: idSchema.nullable().optional(),
  disabled: z.boolean().optional(),
  two_factor: z.literal(false).optional().describe('Removes the second factor of a person who lost it.'),
});
export const resetLinkRequestSchema = z.object({
  send_mail: z.boolean().nullish().describe('Send the link to the person, too. false where it is missing.'),
});
export const resetLinkSchema = z.object({
  url: z.string().describe('Shown only here; valid for a day, once.'),
  mail: mailReportSchema.nullable().describe('Null where no mail was asked for.'),
});
export const temporaryPasswordSchema = z.object({ password: z.string().describe('Shown only here.') });

export const MAX_INVITED = 1000;
export const newInvitationSchema = z.object({
  role: roleSchema.nullish().describe('member where it is missing.'),
  group_id: idSchema.nullish(),
  email: emailSchema.nullish().describe('Only this address may use it; of SIGN_UP_DOMAINS, if that is set.'),
  send_mail: z
    .boolean()
    .nullish()
    .describe(
      'Send the link to `email`, too: for one person. Where it is missing, true with `email` if the server sends mail.',
    ),
  note: withoutNul(z.string().trim().max(200)).nullish(),
  max_uses: z.int().min(1).max(MAX_INVITED).nullish().describe('1 where it is missing.'),
  expires_in_days: z.number().positive().max(365).nullish().describe('7 where it is missing.'),
});

export type InvitationRequest = z.output<typeof newInvitationSchema>;

export const newGroupSchema = z.object({
  name: personNameSchema,
  manager_id: idSchema.nullish().describe('The person who manages it, who joins the group as its manager.'),
});
export const groupChangeSchema = newGroupSchema.partial();

export const sessionListSchema = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      created_at: z.string(),
      last_used_at: z.string(),
      expires_at: z.string(),
      user_agent: z.string().nullable(),
      address: z.string().nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});

export const accountExportSchema = z.looseObject({
  user: memberSchema,
  keys: z.array(keyResponseSchema),
  limits: storedLimitsSchema.describe('Set for this person alone.'),
  usage: z.array(usageRowSchema).describe('By month, model and key.'),
});

/** What the endpoints below /api/auth take: see docs/contract.md#accounts. */
export const AUTH_REQUEST_SCHEMAS = {
  EmailSignIn: emailSignInSchema,
  SignUp: signUpRequestSchema,
  ProviderSignIn: providerSignInSchema,
  PasswordChange: passwordChangeSchema,
  ForgottenPassword: forgottenPasswordSchema,
  PasswordReset: passwordResetSchema,
  ResetLinkCheck: resetLinkCheckSchema,
  PasswordProof: optionalPasswordProofSchema,
  SignInCode: codeSchema,
  SessionName: sessionNameSchema,
};
