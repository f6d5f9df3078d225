import { setting } from '#lib/config/settings/setting';
import { wholeNumber } from '#lib/config/settings/value-schemas';

export const RATE_LIMIT_SETTINGS = {
  RATE_LIMIT_CHAT: setting(wholeNumber(0, 1_000_000), '60', 'Chat requests a minute for each caller; 0 is no limit.'),
  RATE_LIMIT_EMBEDDINGS: setting(
    wholeNumber(0, 1_000_000),
    '600',
    'Embedding requests a minute for each caller, of any number of inputs; 0 is no limit.',
  ),
  RATE_LIMIT_CODE: setting(wholeNumber(0, 1_000_000), '30', 'Code runs a minute for each caller; 0 is no limit.'),
  RATE_LIMIT_CHECKS: setting(
    wholeNumber(0, 1_000_000),
    '360',
    "Checks of programs a minute for each caller (the editor's own, at most one in 5 s: 30 people behind one address); 0 is no limit.",
  ),
};
