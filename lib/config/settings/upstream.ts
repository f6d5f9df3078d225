import { setting } from '#lib/config/settings/setting';
import { MAX_MS, wholeNumber } from '#lib/config/settings/value-schemas';

export const UPSTREAM_SETTINGS = {
  MAX_RESPONSE_MB: setting(
    wholeNumber(1, 1_024),
    '32',
    'Memory of one response while it is written; one that grows larger fails.',
  ),
  UPSTREAM_RETRIES: setting(
    wholeNumber(0, 10),
    '2',
    'Tries again after a refused connection or a 5xx before the first token.',
  ),
  UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: setting(
    wholeNumber(1, MAX_MS),
    '300000',
    'Longest wait for the first token (a model may have to load).',
  ),
  UPSTREAM_IDLE_TIMEOUT_MS: setting(wholeNumber(1, MAX_MS), '60000', 'Longest silence between two tokens.'),
  UPSTREAM_TOTAL_TIMEOUT_MS: setting(wholeNumber(1, MAX_MS), '900000', 'Longest answer.'),
};
