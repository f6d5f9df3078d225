import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { flag } from '#lib/config/settings/value-schemas';

/** Headers that mean something else, so that no proxy can name a person in them. */
const OTHER_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'origin',
  'transfer-encoding',
  'x-api-key',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
]);

export const PEOPLE_SETTINGS = {
  AUTH: setting(
    z.enum(['none', 'keys', 'accounts'], { error: 'must be none, keys or accounts' }).optional(),
    undefined,
    'Who may use this server: none (everyone who reaches it, with all rights), keys (with a key of API_KEYS) or accounts (people who sign in). Default: keys where API_KEYS is set, otherwise none.',
  ),
  TRUSTED_USER_HEADER: setting(
    z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be the name of a header, for example X-Forwarded-User')
      .refine((name) => !OTHER_HEADERS.has(name), 'must be a header of its own: this one has another meaning')
      .optional(),
    undefined,
    'Header in which a proxy that signs people in names the person, for example X-Forwarded-User. It is accepted from the addresses of TRUST_PROXY only, which must be addresses or networks, and makes a member. Default: none.',
  ),
  TRUST_END_USER: setting(
    flag(),
    'false',
    'Treat each end user that a request with a key of API_KEYS names (user of OpenAI, metadata.user_id of Anthropic) as a caller below that key, with its own place in the queue and its own rate limit. For a front end that serves several people behind one key.',
  ),
};
