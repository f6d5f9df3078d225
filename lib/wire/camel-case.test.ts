import { describe, expect, it } from 'vitest';
import { acceptCamelCase } from '#lib/wire/camel-case';

describe('acceptCamelCase', () => {
  const fields = ['system_prompt', 'use_cache', 'model'];

  it('accepts the camelCase spelling of known fields only', () => {
    const body = { systemPrompt: 'Be kind.', useCache: false, otherThing: 1 };
    expect(acceptCamelCase(body, fields)).toEqual({ system_prompt: 'Be kind.', use_cache: false, otherThing: 1 });
    expect(body).toHaveProperty('systemPrompt');
  });

  it('prefers the wire name if both are present', () => {
    expect(acceptCamelCase({ systemPrompt: 'a', system_prompt: 'b' }, fields)).toMatchObject({ system_prompt: 'b' });
  });

  it('returns anything else as it is', () => {
    for (const body of [null, 1, 'text', [1], { model: 'x' }]) expect(acceptCamelCase(body, fields)).toBe(body);
  });
});
