import { z } from 'zod';
import { BACKEND_STATES } from '#lib/wire/gateway';

/** Wire of /api/admin/backends. */

export const newBackendSchema = z.object({
  url: z
    .string()
    .min(1)
    .max(2_000)
    .describe(
      'Scheme, host, perhaps a port and a path that is put in front; without credentials, query and fragment. It never gets HF_TOKEN.',
    ),
});
export type NewBackend = z.infer<typeof newBackendSchema>;

export const backendChangeSchema = z.object({
  draining: z.boolean().describe('true: it gets no new requests, and those in flight end.'),
});
export type BackendChange = z.infer<typeof backendChangeSchema>;

export const adminBackendSchema = z.object({
  id: z.string(),
  url: z.string(),
  source: z.enum(['environment', 'added']).describe('One of the environment cannot be removed here.'),
  has_token: z.boolean().describe('Whether it gets HF_TOKEN. An added one never does.'),
  state: z.enum(BACKEND_STATES),
  draining: z.boolean(),
  active: z.number().describe('Requests in progress.'),
  waiting: z.number().describe('Requests that wait for a connection.'),
  web_sockets: z.number().describe('Open WebSockets.'),
  requests: z.number().describe('Since the process started.'),
  failures: z.number(),
  last_failure: z.object({ at: z.string(), reason: z.string() }).nullable(),
  changed_by: z.string().nullable(),
  changed_at: z.string().nullable(),
});
export type AdminBackend = z.infer<typeof adminBackendSchema>;

export const adminBackendsSchema = z.object({
  backends: z.array(adminBackendSchema),
  next_cursor: z.string().nullable(),
});
export type AdminBackends = z.infer<typeof adminBackendsSchema>;
