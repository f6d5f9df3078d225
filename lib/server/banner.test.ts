import { describe, expect, it } from 'vitest';
import { describeReach, isLoopback } from '#lib/server/banner';

describe('describeReach', () => {
  it.each([
    ['127.0.0.1', 0, 'this machine only, without a key'],
    ['::1', 1, 'this machine only, with the API key'],
    ['0.0.0.0', 2, 'everyone who can reach this machine over the network, with one of 2 API keys'],
    ['10.1.2.3', 1, 'everyone who can reach 10.1.2.3, with the API key'],
  ])('says of %s with %i keys who can reach it', (host, keys, sentence) => {
    expect(describeReach(host, keys)).toBe(sentence);
  });

  it('warns where everyone may come in without a key, and says what to do', () => {
    expect(describeReach('0.0.0.0', 0)).toMatch(/without a key — set API_KEYS, or HOST=127\.0\.0\.1$/);
  });
});

describe('isLoopback', () => {
  it('knows the loopback range, and nothing that only looks like it', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) expect(isLoopback(host)).toBe(true);
    for (const host of ['127.0.0.1.example.org', '0.0.0.0', '10.127.0.0', '::']) expect(isLoopback(host)).toBe(false);
  });
});
