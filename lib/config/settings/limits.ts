import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { wholeNumber } from '#lib/config/settings/value-schemas';

const MAX_TOKENS = 1_000_000_000_000;

/** The limits of a caller that has none itself (docs/contract.md#limits-of-people). */
export const LIMIT_SETTINGS = {
  LIMIT_KIND: setting(
    z.enum(['share', 'hard'], { error: 'must be share or hard' }),
    'share',
    'Above LIMIT_TOKENS_*: share lets requests wait behind those of people within their share; hard refuses them until the reset.',
  ),
  LIMIT_TOKENS_PER_DAY: setting(
    wholeNumber(0, MAX_TOKENS),
    '0',
    'Tokens of prompts and responses a day for each person; 0 is none, here and below. Days and months are those of TZ.',
  ),
  LIMIT_TOKENS_PER_MONTH: setting(wholeNumber(0, MAX_TOKENS), '0', 'Tokens a month for each person.'),
  LIMIT_REQUESTS_PER_MINUTE: setting(
    wholeNumber(0, 1_000_000),
    '0',
    'Chat requests a minute for each person. RATE_LIMIT_CHAT counts too: the stricter one holds.',
  ),
  LIMIT_CODE_RUNS_PER_MINUTE: setting(
    wholeNumber(0, 1_000_000),
    '0',
    'Code runs a minute for each person. RATE_LIMIT_CODE counts too: the stricter one holds.',
  ),
  LIMIT_CODE_SECONDS_PER_DAY: setting(
    wholeNumber(0, 100_000_000),
    '0',
    'CPU seconds of programs a day for each person.',
  ),
  LIMIT_CONCURRENT_REQUESTS: setting(
    wholeNumber(0, 100_000),
    '0',
    'Requests of a person that wait or run at a time: chat, embeddings, passed-on requests and programs.',
  ),
  LIMIT_CONTEXT_TOKENS: setting(
    wholeNumber(0, 1_000_000_000),
    '0',
    'A larger num_ctx of a request is lowered to this.',
  ),
  LIMIT_OUTPUT_TOKENS: setting(
    wholeNumber(0, 1_000_000_000),
    '0',
    'Tokens of one response. A larger num_predict or max_tokens is lowered to this, and a request without one gets it.',
  ),
};
