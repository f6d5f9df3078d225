import { describe, expect, it } from 'vitest';
import { continuesLastMessage } from '#lib/models/ollama/shown-models';
import type { ModelEvent } from '#lib/models/provider';
import { OverlapFilter, overlapLength, withContinueInstruction } from './continuation.ts';

const TEXT = 'The first rule is simple. The second rule follows from it';
const DONE: ModelEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

const content = (text: string): ModelEvent => ({ type: 'content', text });

/** What arrives of `events`, and `failed` if they end with an error. */
async function arriving(events: readonly (ModelEvent | Error)[], text = TEXT): Promise<(ModelEvent | 'failed')[]> {
  const seen: (ModelEvent | 'failed')[] = [];
  const filter = new OverlapFilter(text, (event) => seen.push(event));
  let isFailed = false;
  for (const event of events)
    if (event instanceof Error) isFailed = true;
    else filter.push(event);
  filter.end();
  return isFailed ? [...seen, 'failed'] : seen;
}

async function continued(...pieces: string[]): Promise<string> {
  const seen: ModelEvent[] = [];
  const filter = new OverlapFilter(TEXT, (event) => seen.push(event));
  for (const text of pieces) filter.push({ type: 'content', text });
  filter.push(DONE);
  filter.end();
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

  it('keeps a repetition that goes on as the text did', async () => {
    const zeros = 'const zeros = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0';
    const next = content(', 0, 0, 0, 0, 0, 0, 0]');
    expect(await arriving([next, DONE], zeros)).toEqual([next, DONE]);
    expect(await arriving([content(`${zeros}, 0]`), DONE], zeros)).toEqual([content(', 0]'), DONE]);
  });

  it('passes text that is held back before anything that follows it', async () => {
    const held = content('The second');
    const calls: ModelEvent = { type: 'tool_calls', tool_calls: [] };
    const thinking: ModelEvent = { type: 'thinking', text: 'Hm.' };
    expect(await arriving([held, calls, DONE])).toEqual([held, calls, DONE]);
    expect(await arriving([held, thinking, DONE])).toEqual([held, thinking, DONE]);
    expect(await arriving([thinking, content('The second rule follows from it.')])).toEqual([thinking, content('.')]);
    expect(await arriving([held, new Error('lost')])).toEqual([held, 'failed']);
    expect(await arriving([held])).toEqual([held]);
  });

  it('loses the log probabilities of what is removed', async () => {
    const token = (text: string): ModelEvent[] => [
      { type: 'logprobs', logprobs: [{ token: text, logprob: -1, bytes: null }] },
      content(text),
    ];
    const repeated = ['The', ' second', ' rule', ' follows', ' from', ' it'].flatMap(token);
    expect(await arriving([...repeated, ...token(' and'), DONE])).toEqual([...token(' and'), DONE]);
    expect(await arriving([...token('The'), ...token(' end')])).toMatchObject([
      { logprobs: [{ token: 'The' }, { token: ' end' }] },
      content('The end'),
    ]);
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
