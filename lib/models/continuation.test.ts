import { describe, expect, it } from 'vitest';
import { continuesLastMessage } from '#lib/models/ollama/provider';
import type { ModelEvent } from '#lib/models/provider';
import { overlapLength, withContinueInstruction, withoutOverlap } from './continuation.ts';

const TEXT = 'The first rule is simple. The second rule follows from it';
const DONE: ModelEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

async function continued(...pieces: string[]): Promise<string> {
  async function* events(): AsyncGenerator<ModelEvent> {
    for (const text of pieces) yield { type: 'content', text };
    yield DONE;
  }
  const seen: ModelEvent[] = [];
  for await (const event of withoutOverlap(events(), TEXT)) seen.push(event);
  expect(seen.at(-1)).toBe(DONE);
  return seen.map((event) => (event.type === 'content' ? event.text : '')).join('');
}

describe('the continuation of a message', () => {
  it('is asked for after a message of the assistant only', () => {
    const user = { role: 'user', content: 'Count.' } as const;
    expect(withContinueInstruction([user])).toEqual([user]);
    const asked = withContinueInstruction([user, { role: 'assistant', content: 'One, ' }]);
    expect(asked.at(-1)).toMatchObject({ role: 'user', content: expect.stringContaining('Continue exactly') });
    expect(asked).toHaveLength(3);
  });

  it('loses what it repeats of the text, however it is cut into pieces', async () => {
    expect(await continued('The second rule follows from it', ' and so on.')).toBe(' and so on.');
    expect(await continued(...'The second rule follows from it and so on.')).toBe(' and so on.');
  });

  it('keeps text that repeats nothing, or too little to be a repetition', async () => {
    expect(await continued(' and ', 'so on.')).toBe(' and so on.');
    expect(await continued('from it, from it')).toBe('from it, from it');
    expect(await continued('The second')).toBe('The second');
  });

  it('is undecided while a longer repetition is possible', () => {
    expect(overlapLength(TEXT, 'The second ru')).toBeUndefined();
    expect(overlapLength(TEXT, 'The second run')).toBe(0);
  });
});

describe('an Ollama template', () => {
  it.each([
    ['{{ .Prompt }}{{ .Response }}<|im_end|>', true],
    ['{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}{{ end }}', true],
    ['{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}', false],
    ['', false],
  ])('%j leaves a last message open: %s', (template, isOpen) => {
    expect(continuesLastMessage(template)).toBe(isOpen);
  });
});
