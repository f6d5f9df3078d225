import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { flag, wholeNumber } from '#lib/config/settings/value-schemas';

export const CACHE_SETTINGS = {
  CACHE_ENABLED: setting(flag(), 'true', 'Keep answers and give them again to identical requests.'),
  CACHE_SCOPE: setting(
    z.enum(['all', 'caller'], { error: 'must be all or caller' }),
    'all',
    'Who shares answers, kept or running: all callers, or caller for each by itself. Shared ones show that somebody asked the same.',
  ),
  CACHE_SDK: setting(
    z.enum(['deterministic', 'always', 'never'], { error: 'must be deterministic, always or never' }),
    'deterministic',
    'Which requests to /v1/*, /api/chat and /api/generate use the cache: those with temperature 0 or a seed, all, or none. A request can ask for another policy.',
  ),
  CACHE_PERSIST: setting(
    flag(),
    'true',
    'Keep answers and embeddings in the database too, so that they are found again after a restart. false writes nothing, and deletes what was written before.',
  ),
  CACHE_PERSIST_MAX_MB: setting(
    wholeNumber(1, 1_048_576),
    '1024',
    'Bound of the answers and embeddings in the database, keys and values.',
  ),
  CACHE_MAX_SIZE_MB: setting(wholeNumber(1, 1_048_576), '256', 'Bound of the response cache, keys and values.'),
  EMBEDDING_CACHE_MAX_SIZE_MB: setting(
    wholeNumber(1, 1_048_576),
    '64',
    'Bound of the kept embeddings: about 10,000 of 768 numbers from Ollama, twice as many from most other servers.',
  ),
  CACHE_TTL_SECONDS: setting(wholeNumber(1, 31_536_000), '3600', 'How long an answer or an embedding is kept.'),
  CONVERSATION_CACHE_MAX_SIZE_MB: setting(wholeNumber(1, 1_048_576), '128', 'Bound of the kept conversations.'),
  CONVERSATION_CACHE_TTL_SECONDS: setting(wholeNumber(1, 31_536_000), '1800', 'How long a conversation is kept.'),
  RESPONSES_MAX_SIZE_MB: setting(
    wholeNumber(1, 1_048_576),
    '64',
    'Bound of the responses that are stored for previous_response_id and GET /v1/responses/{id}.',
  ),
  RESPONSES_TTL_SECONDS: setting(
    wholeNumber(1, 31_536_000),
    '86400',
    'How long a stored response is kept after it was last read or continued.',
  ),
};
