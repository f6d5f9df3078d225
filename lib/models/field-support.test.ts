import { describe, expect, it } from 'vitest';
import { EMBEDDED_FIELD_RULES } from '#lib/models/embedded/provider';
import { checkFieldSupport } from '#lib/models/field-support';
import { OPENAI_FIELD_RULES } from '#lib/models/openai/provider';

const RULES = { id: 'openai', unsupported: 'the server cannot do that', check: () => {} } as const;

describe('checkFieldSupport', () => {
  it('returns the names of ignored options, bounded in number and length', () => {
    const names = Array.from({ length: 50 }, (_, at) => `${at}${'x'.repeat(100_000)}`);
    const options = Object.fromEntries(names.map((name) => [name, 1]));
    const ignored = checkFieldSupport(RULES, { model: 'm', messages: [], options });
    expect(ignored.length).toBe(21);
    expect(ignored[0]).toMatch(/^options\.0x+$/);
    expect(Math.max(...ignored.map((name) => name.length))).toBe(64);
  });

  it.each([
    [true, undefined, ['think']],
    ['high', undefined, ['think']],
    [false, undefined, []],
    [undefined, undefined, []],
    [true, { chat_template_kwargs: { enable_thinking: true } }, ['chat_template_kwargs']],
    ['high', { reasoning_effort: 'high' }, ['reasoning_effort']],
  ] as const)(
    'reports reasoning %j that the built-in model does not have, by the name of %j',
    (think, passthrough, names) => {
      const fields = {
        ...(think === undefined ? {} : { think }),
        ...(passthrough === undefined ? {} : { passthrough }),
      };
      expect(checkFieldSupport(EMBEDDED_FIELD_RULES, { model: 'm', messages: [], options: {}, ...fields })).toEqual(
        names,
      );
    },
  );

  it.each([
    [{ temperature: '0.5', top_p: 0.5 }, ['options.temperature']],
    [{ stop: ['a', 1], penalize_newline: 1, seed: null }, ['options.stop', 'options.penalize_newline']],
    [{ stop: 'a', penalize_newline: true, num_predict: -1 }, []],
  ])('reports options of a type that the built-in model does not read: %j', (options, names) => {
    expect(checkFieldSupport(EMBEDDED_FIELD_RULES, { model: 'm', messages: [], options })).toEqual(names);
  });

  it.each([
    [{ num_predict: '5' }, ['options.num_predict']],
    [{ num_predict: 0 }, ['options.num_predict']],
    [{ num_predict: 5 }, []],
    [{ num_predict: -1 }, []],
  ])('reports a token limit that an OpenAI-compatible server is not sent: %j', (options, names) => {
    expect(checkFieldSupport(OPENAI_FIELD_RULES, { model: 'm', messages: [], options })).toEqual(names);
  });

  it('leaves short names as they are', () => {
    expect(checkFieldSupport(RULES, { model: 'm', messages: [], options: { num_ctx_typo: 1 } })).toEqual([
      'options.num_ctx_typo',
    ]);
  });
});
