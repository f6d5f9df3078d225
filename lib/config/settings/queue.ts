import { setting } from '#lib/config/settings/setting';
import { flag, MAX_MS, wholeNumber } from '#lib/config/settings/value-schemas';

export const QUEUE_SETTINGS = {
  QUEUE_MAX_CONCURRENT: setting(
    wholeNumber(1, 1_000),
    '1',
    'Requests that a model server works on at a time; #slots= sets it for one server.',
  ),
  QUEUE_MAX_SIZE: setting(wholeNumber(0, 1_000_000), '100', 'Requests that may wait; one more gets 503.'),
  QUEUE_MAX_MB: setting(
    wholeNumber(64, 1_048_576),
    '256',
    'Memory of all waiting requests with their images, half of it for one caller; one more gets 503.',
  ),
  QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: setting(
    wholeNumber(1, MAX_MS),
    '30000',
    'Waiting time per request until one was measured.',
  ),
  QUEUE_RESULT_TTL_SECONDS: setting(wholeNumber(1, 604_800), '600', 'How long a finished result can be fetched.'),
  DISCONNECT_GRACE_MS: setting(
    wholeNumber(0, MAX_MS),
    '10000',
    'How long an answer goes on after its last reader left.',
  ),
  BATCH_MAX_SIZE: setting(wholeNumber(1, 1_000), '3', 'Waiting requests of one model that are released together.'),
  BATCH_TIMEOUT_MS: setting(
    wholeNumber(0, MAX_MS),
    '2000',
    'How long a request may be held back for a batch while all slots are busy.',
  ),
  BATCH_DEDUPLICATION: setting(flag(), 'true', 'Join identical requests that are queued or running.'),
};
