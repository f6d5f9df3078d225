import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { serverNames } from '#lib/config/model-server-names';

describe('the addresses of model servers', () => {
  it('are a list, and each has its slots, name and weight', () => {
    const { OLLAMA_API_URL, OPENAI_BASE_URL } = readConfig({
      OLLAMA_API_URL: 'http://gpu-a:11434/#slots=4&name=gpu-a&weight=2, http://gpu-b:11434',
      OPENAI_BASE_URL: 'https://api.example/v1/#name=api',
    });
    expect(OLLAMA_API_URL).toEqual([
      { url: 'http://gpu-a:11434', slots: 4, name: 'gpu-a', weight: 2 },
      { url: 'http://gpu-b:11434', weight: 1 },
    ]);
    expect(OPENAI_BASE_URL).toEqual([{ url: 'https://api.example/v1', name: 'api', weight: 1 }]);
  });

  it.each([
    ['http://a#slots=0', /whole number from 1 to 1000 after #slots=/],
    ['http://a#slots=four', /whole number from 1 to 1000 after #slots=/],
    ['http://a#weight=1.5', /whole number from 1 to 100 after #weight=/],
    ['http://a#name=gpu a', /letters, digits, dots, colons or hyphens after #name=/],
    ['http://a#name=', /letters, digits, dots, colons or hyphens after #name=/],
    ['http://a#slot=4', /nothing but slots=, name= and weight= after the #/],
    ['http://a#slots=1&slots=2', /set slots once for each address/],
    ['http://a,http://a/', /list each address once/],
    ['http://ann:one@a,http://bob:two@A:80', /list each address once/],
    ['http://a#name=x,http://b#name=x', /its own name, and x is there twice/],
    ['a:11434', /must be a URL/],
    [',', /must have an address/],
  ])('are refused in one sentence if they are wrong: %s', (value, sentence) => {
    expect(() => readConfig({ OLLAMA_API_URL: value })).toThrow(sentence);
  });

  it('are named by host and port, and by their path where two have the same', () => {
    const names = (env: Record<string, string>) => serverNames(readConfig(env));
    expect(names({ OLLAMA_API_URL: 'http://gpu:11434', OPENAI_BASE_URL: 'http://gpu:11434/v1' })).toEqual([
      'gpu:11434',
      'gpu:11434/v1',
    ]);
    expect(names({ OLLAMA_API_URL: 'http://user:secret@gpu', OPENAI_BASE_URL: 'https://api.example/v1' })).toEqual([
      'gpu:80',
      'api.example:443',
    ]);
    expect(() => readConfig({ OLLAMA_API_URL: 'http://a:1', OPENAI_BASE_URL: 'http://b/v1#name=a:1' })).toThrow(
      /each server its own name: a:1 is there twice/,
    );
  });

  it('have one key, or as many as there are', () => {
    const OPENAI_BASE_URL = 'http://a/v1,http://b/v1';
    expect(readConfig({ OPENAI_BASE_URL, OPENAI_API_KEY: 'one' }).OPENAI_API_KEY).toEqual(['one']);
    expect(readConfig({ OPENAI_BASE_URL, OPENAI_API_KEY: 'one, two' }).OPENAI_API_KEY).toEqual(['one', 'two']);
    expect(() => readConfig({ OPENAI_BASE_URL, OPENAI_API_KEY: 'one,two,three' })).toThrow(/3 keys for 2/);
  });
});

describe('MODEL_ALIASES', () => {
  const aliases = (MODEL_ALIASES: string) =>
    Object.fromEntries(readConfig({ MODEL_ALIASES, OLLAMA_API_URL: 'http://a#name=gpu-a' }).MODEL_ALIASES);

  it('are names for models, with a server after the last @', () => {
    expect(aliases('fast=llama3.2:3b@gpu-a, gpt-4o-mini ; cf = @cf/meta/llama-3 ;')).toEqual({
      fast: [{ model: 'llama3.2:3b', server: 'gpu-a' }, { model: 'gpt-4o-mini' }],
      cf: [{ model: '@cf/meta/llama-3' }],
    });
  });

  it('may stand for one another, and never for themselves', () => {
    expect(aliases('a=b,x;b=y,x')).toEqual({
      a: [{ model: 'y' }, { model: 'x' }],
      b: [{ model: 'y' }, { model: 'x' }],
    });
    // A server decides what a pinned name means.
    expect(aliases('m=m@gpu-a')).toEqual({ m: [{ model: 'm', server: 'gpu-a' }] });
  });

  it.each([
    ['a=b;b=c;c=a', /must not lead from an alias to itself, and a does/],
    ['a=a', /must not lead from an alias to itself, and a does/],
    ['a', /must be alias=model,model/],
    ['=m', /must be alias=model,model/],
    ['a=m,,n', /a model between two commas/],
    ['a=m@', /after each @ a server/],
    ['a b=m', /aliases without spaces/],
    ['a=m;a=n', /each alias once, and a is there twice/],
    ['a=m@gpu-x', /a has gpu-x, and there are gpu-a/],
  ])('are refused in one sentence if they are wrong: %s', (value, sentence) => {
    expect(() => aliases(value)).toThrow(sentence);
  });
});
