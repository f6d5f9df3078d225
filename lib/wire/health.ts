import { z } from 'zod';

/** Wire of /health, /gateway-health and /api/ready. See docs/contract.md#health. */

export const healthSchema = z.object({ status: z.literal('healthy') });

export const gatewayHealthSchema = z.object({ status: z.literal('ok'), service: z.literal('wighaven-gateway') });

/** `unavailable` is a part that no setting requires and that is missing. */
export const readinessPartSchema = z.object({
  state: z.enum(['up', 'down', 'unavailable', 'not_configured']),
  detail: z.string().optional(),
});
export type ReadinessPart = z.infer<typeof readinessPartSchema>;

export const serverReadinessSchema = z.object({
  status: z.enum(['ready', 'not_ready']),
  stopping: z.literal(true).optional().describe('The server is being stopped, and goes on for a moment.'),
  parts: z.object({
    model: readinessPartSchema,
    sandbox: readinessPartSchema,
    executors: readinessPartSchema,
    gateway: readinessPartSchema,
    database: readinessPartSchema.describe('`unavailable` while nothing can be saved; chats go on.'),
    redis: readinessPartSchema.describe(
      'What several servers share. `unavailable` while Redis is away and each goes on alone; `down` with REDIS_REQUIRED.',
    ),
    mail: readinessPartSchema.describe(
      '`not_configured` without SMTP_URL; `unavailable` while the mail server takes no mail, and links are copied.',
    ),
  }),
});
export type ServerReadiness = z.infer<typeof serverReadinessSchema>;
