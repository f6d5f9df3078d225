import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { describeRedis, isOpenRedis, parseRedisUrl } from '#lib/config/redis-url';

const NONE = {
  path: undefined,
  master: undefined,
  hasTls: false,
  username: undefined,
  password: undefined,
  database: 0,
};

describe('parseRedisUrl', () => {
  it.each([
    ['redis://localhost', { hosts: [{ host: 'localhost', port: 6379 }] }],
    ['redis://127.0.0.1:7000/2', { hosts: [{ host: '127.0.0.1', port: 7000 }], database: 2 }],
    ['redis://[::1]:7000', { hosts: [{ host: '::1', port: 7000 }] }],
    [
      'rediss://app:p%40ss%3A1@redis.example',
      { hosts: [{ host: 'redis.example', port: 6379 }], hasTls: true, username: 'app', password: 'p@ss:1' },
    ],
    ['redis://:secret@host', { hosts: [{ host: 'host', port: 6379 }], password: 'secret' }],
    [
      'redis+sentinel://app:secret@one:26380,two/mymaster/3',
      {
        hosts: [
          { host: 'one', port: 26_380 },
          { host: 'two', port: 26_379 },
        ],
        master: 'mymaster',
        username: 'app',
        password: 'secret',
        database: 3,
      },
    ],
    ['unix:///run/redis.sock', { hosts: [], path: '/run/redis.sock' }],
  ])('reads %s', (text, expected) => {
    expect(parseRedisUrl(text)).toEqual({ ...NONE, ...expected });
  });

  it.each([
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis://one,two',
    'redis://host:0',
    'redis://host:99999',
    'redis://host/one',
    'redis://host/0/1',
    'redis+sentinel://one:26379',
    'redis://%zz@host',
    'unix://relative',
  ])('refuses %s', (text) => {
    expect(parseRedisUrl(text)).toBeUndefined();
  });

  it('describes an address without its credentials', () => {
    const describeUrl = (text: string) => describeRedis(parseRedisUrl(text) ?? expect.fail(text));
    expect(describeUrl('rediss://app:secret@redis.example')).toBe('redis.example:6379');
    expect(describeUrl('redis+sentinel://:secret@one,two/main')).toBe('main of one:26379, two:26379');
    expect(describeUrl('redis://[::1]')).toBe('[::1]:6379');
    expect(describeUrl('unix:///run/redis.sock')).toBe('/run/redis.sock');
  });

  it.each([
    ['redis://redis.example', true],
    ['redis+sentinel://one,127.0.0.1/main', true],
    ['redis://:secret@redis.example', false],
    ['rediss://redis.example', false],
    ['redis://127.0.0.1', false],
    ['unix:///run/redis.sock', false],
  ])('knows that %s is open to a network: %s', (text, isOpen) => {
    expect(isOpenRedis(parseRedisUrl(text) ?? expect.fail(text))).toBe(isOpen);
  });
});

describe('the settings of Redis', () => {
  it('refuses another machine without a password by a sentence, without its credentials', () => {
    expect(() => readConfig({ REDIS_URL: 'redis://redis.example' })).toThrow(
      /REDIS_URL must have a password .* because redis\.example:6379 is another machine/,
    );
    expect(readConfig({ REDIS_URL: 'redis://:secret@redis.example' }).REDIS_URL).toBe('redis://:secret@redis.example');
  });

  it('shows no password of an invalid address', () => {
    expect(() => readConfig({ REDIS_URL: 'redis://app:hidden-word@one,two' })).toThrow(/REDIS_URL must be redis:/);
    for (const url of ['redis://app:hidden-word@one,two', 'app:hidden-word@one'])
      expect(() => readConfig({ REDIS_URL: url })).toThrow(/^(?![\s\S]*hidden-word)/);
  });

  it('needs REDIS_URL next to CACHE_REDIS_URL', () => {
    expect(() => readConfig({ CACHE_REDIS_URL: 'redis://localhost' })).toThrow(/REDIS_URL must be set/);
  });

  it('refuses a prefix that would not stand in braces', () => {
    expect(() => readConfig({ REDIS_PREFIX: 'a}b' })).toThrow(/REDIS_PREFIX must be 1 to 40 letters/);
  });
});
