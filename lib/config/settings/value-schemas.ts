import { z } from 'zod';
import { LANGUAGE_INFOS, type LanguageId } from '#lib/languages/infos';
import { joinWords, languageIdOf } from '#lib/languages/language-names';

/**
 * Schemas of values that several settings share. Each parses the text of an environment variable.
 */

/** A day, the longest time that a setting takes in milliseconds. */
export const MAX_MS = 24 * 60 * 60 * 1000;

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

export const port = () => wholeNumber(1, 65_535);

export const flag = () =>
  z
    .enum(['true', 'false', '1', '0', 'yes', 'no', 'on', 'off'], { error: 'must be true or false' })
    .transform((word) => ['true', '1', 'yes', 'on'].includes(word));

/** Without slashes at the end. */
export const httpUrl = () =>
  z
    .url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' })
    .transform((url) => url.replace(/\/+$/, ''));

export const httpUrls = () => textList().pipe(z.array(httpUrl()));

/** Comma-separated. */
export const textList = () =>
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

/**
 * Rejects a command that was meant to make the secret: nothing runs it in `.env`, so its text,
 * which the documentation shows, would be the secret. `Authorization: Bearer` has no spaces.
 */
const isSecret = (text: string) => !/\$[({]|[\s\p{Cc}]/u.test(text);
const SECRET_RULE =
  'must have no spaces, no control characters and no $(…), because nothing runs a command in .env: write the key itself';

export const secret = () => z.string().refine(isSecret, SECRET_RULE);

/** Comma-separated. */
export const secrets = () =>
  textList().refine((all) => all.every(isSecret), `${SECRET_RULE}, such as the output of openssl rand -hex 24`);

export const text = () => z.string();
export const optionalText = () => z.string().optional();

/** A Go duration (`15m`, `1h30m`), or a number of seconds. −1 is unlimited. */
export const duration = () =>
  z
    .string()
    .regex(/^(-1|\d+|(\d+(\.\d+)?(ms|s|m|h))+)$/, 'must be a duration such as 15m, 1h30m, or a number of seconds')
    .transform((word) => (/^-?\d+$/.test(word) ? Number(word) : word));

/** The id of a language, from its id or an alias. */
export const languageId = () =>
  z.string().transform((word, context): LanguageId => {
    const id = languageIdOf(word);
    if (id !== undefined) return id;
    const ids = LANGUAGE_INFOS.map((info) => info.id);
    context.addIssue({ code: 'custom', message: `must be ${joinWords(ids, 'or')}` });
    return z.NEVER;
  });

export const languageIds = () =>
  textList()
    .pipe(z.array(languageId()))
    .refine((ids) => ids.length > 0, 'must name a language');
