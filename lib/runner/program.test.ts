import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { checkRequest } from '#lib/runner/program';

const SETTINGS = readConfig({});
const check = (extra: object) => checkRequest({ language: 'python', code: 'x', ...extra }, SETTINGS);

describe('checkRequest', () => {
  it.each(['python', 'py', 'PYTHON', ' py '])('knows %s', (language) => {
    expect(check({ language }).language.id).toBe('python');
  });

  it('takes the usual time where none is asked for, and up to the most', () => {
    expect(check({}).seconds).toBe(10);
    expect(check({ timeout: 60 }).seconds).toBe(60);
    expect(() => check({ timeout: 60.1 })).toThrow('at most 60 seconds');
  });

  it.each(['data.txt', 'a/b/c.py', 'with space.txt', '_x', 'a-b+c.h'])('takes a file named %s', (name) => {
    expect(check({ files: [{ name, content: '' }] }).files.map((file) => file.name)).toEqual(['main.py', name]);
  });

  it.each([
    '../x',
    '/etc/passwd',
    'a/../../x',
    'a//b',
    './x',
    '-rf',
    '--help',
    'a/-x',
    'new\nline',
    'nul\0',
    '.hidden',
    'a/',
    '..',
    'a\\b',
    'ü',
    'a/b/c/d/e/f/g/h/i',
    '$(x)',
    "quote'",
  ])('refuses a file named %j', (name) => {
    expect(() => check({ files: [{ name, content: '' }] })).toThrow('cannot be used');
  });

  it.each([[['main.py']], [['a', 'a']], [['a', 'a/b']], [['a/b', 'a']], [['main.py/x']]])(
    'refuses names that are taken: %j',
    (names) => {
      expect(() => check({ files: names.map((name) => ({ name, content: '' })) })).toThrow('is taken');
    },
  );

  it('refuses what cannot be an argument or UTF-8', () => {
    expect(() => check({ args: ['a\0b'] })).toThrow('args.0');
    expect(() => check({ stdin: '\ud800' })).toThrow('stdin');
    expect(() => check({ files: [{ name: 'a', content: '\udc00' }] })).toThrow('files.0.content');
  });
});
