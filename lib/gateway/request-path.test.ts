import { describe, expect, it } from 'vitest';
import { backendPath } from '#lib/gateway/request-path';

describe('backendPath', () => {
  it.each([
    ['/', '/'],
    ['/a?b=c', '/a?b=c'],
    ['/gateway/a?b', '/a?b'],
    ['/gateway/', '/'],
    ['/gateway/gateway/a', '/gateway/a'],
    ['/gatewayed/a', '/gatewayed/a'],
    ['//a', '//a'],
    ['/a/b/../c', '/a/b/../c'],
    ['/a?x=/../../..', '/a?x=/../../..'],
    ['/...', '/...'],
    ['/.%2e%2e', '/.%2e%2e'],
  ])('maps %s to %s', (url, expected) => expect(backendPath(url)).toBe(expected));

  it.each([
    'http://evil.example/',
    '*',
    '',
    'a',
    '/a#b',
    '/..',
    '/../',
    '/a/../..',
    '/%2e%2e/x',
    '/.%2E/x',
    '/a%2f..%2f..',
    '/a\\..\\..\\x',
    '/a/%5c../..%5c..',
    '//..',
    '/./../x',
    '/gateway/..',
    '/..?x',
  ])('refuses %s', (url) =>
    expect(() => backendPath(url)).toThrow(expect.objectContaining({ code: 'invalid_request' })),
  );
});
