import { describe, expect, it } from 'vitest';
import { retryAfterSeconds } from '#lib/models/retry-after';

const NOW = Date.parse('2026-11-29T12:00:00Z');

describe('the wait that a model server asks for', () => {
  it.each<[what: string, headers: Record<string, string>, seconds: number | undefined]>([
    ['seconds', { 'retry-after': '7' }, 7],
    ['a part of a second', { 'retry-after': '0.4' }, 1],
    ['no wait', { 'retry-after': '0' }, undefined],
    ['a date', { 'retry-after': 'Sun, 29 Nov 2026 12:01:00 GMT' }, 60],
    ['a past date', { 'retry-after': 'Sun, 29 Nov 2026 11:00:00 GMT' }, undefined],
    ['a word', { 'retry-after': 'soon' }, undefined],
    ['nothing', {}, undefined],
    ['a day', { 'retry-after': '86400' }, 3_600],
    ['milliseconds, next to seconds', { 'retry-after-ms': '6201', 'retry-after': '60' }, 7],
    ['Azure’s milliseconds', { 'x-ms-retry-after-ms': '1500' }, 2],
    ['seconds, next to a rate limit', { 'retry-after': '2', ...limit('requests', '0', '1h0m0s') }, 2],
    ['a Go duration', limit('requests', '0', '6m0.5s'), 361],
    ['a Go duration in milliseconds', limit('tokens', '0', '114ms'), 1],
    ['hours, minutes and seconds', limit('tokens', '0', '0h2m30s'), 150],
    ['a rate limit with something left', limit('requests', '3', '6m0s'), undefined],
    ['the longer of two limits', { ...limit('requests', '0', '7.66s'), ...limit('tokens', '0', '2m59.56s') }, 180],
    [
      'a date of RFC 3339',
      {
        'anthropic-ratelimit-requests-reset': '2026-11-29T12:00:30Z',
        'anthropic-ratelimit-requests-remaining': '0',
      },
      30,
    ],
    ['milliseconds since the epoch', { 'x-ratelimit-reset': String(NOW + 20_000), 'x-ratelimit-remaining': '0' }, 20],
    ['seconds since the epoch', { 'ratelimit-reset': String(NOW / 1_000 + 9), 'ratelimit-remaining': '0' }, 9],
    ['an empty duration', limit('requests', '0', ' '), undefined],
  ])('is read from %s', (_what, headers, seconds) => {
    expect(retryAfterSeconds(headers, NOW)).toBe(seconds);
  });
});

function limit(name: string, remaining: string, reset: string): Record<string, string> {
  return { [`x-ratelimit-remaining-${name}`]: remaining, [`x-ratelimit-reset-${name}`]: reset };
}
