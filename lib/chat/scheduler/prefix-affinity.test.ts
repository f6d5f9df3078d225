import { describe, expect, it } from 'vitest';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { PrefixAffinity, prefixKey } from '#lib/chat/scheduler/prefix-affinity';
import { ModelServer } from '#lib/models/model-server';
import type { ModelRequest } from '#lib/models/provider';
import { ScriptedProvider } from '../../../test/support/chat.ts';

const serverOf = (name: string) =>
  new ModelServer({
    provider: new ScriptedProvider(),
    name,
    isNamed: true,
    url: `http://${name}`,
    slots: 1,
    weight: 1,
    hasTags: false,
  });
const response: CompletedResponse = {
  content: 'Hello.',
  thinking: '',
  tool_calls: [],
  logprobs: undefined,
  model: 'm',
  done_reason: 'stop',
  usage: { prompt_tokens: 10, completion_tokens: 2 },
};
const asked = (content: string): ModelRequest => ({ model: 'm', messages: [{ role: 'user', content }], options: {} });
/** The key of the next turn of a conversation, as its client sends it. */
const nextKey = (content: string) =>
  prefixKey('openai', {
    ...asked(content),
    messages: [
      ...asked(content).messages,
      { role: 'assistant', content: response.content },
      { role: 'user', content: 'More' },
    ],
  });

describe('the affinity of a conversation', () => {
  it('is for the server of its last turn', () => {
    const affinity = new PrefixAffinity();
    const [one, other] = [serverOf('one'), serverOf('other')];
    expect(prefixKey('openai', asked('Hi'))).toBeUndefined();
    affinity.record('openai', asked('Hi'), response, one);
    expect([affinity.tokensOn(one, nextKey('Hi')), affinity.tokensOn(other, nextKey('Hi'))]).toEqual([12, 0]);
    expect(affinity.tokensOn(one, nextKey('Ho'))).toBe(0);
  });

  it('is forgotten for the oldest of more than 10,000 conversations', () => {
    const affinity = new PrefixAffinity();
    const server = serverOf('one');
    for (let index = 0; index <= 10_000; index++) affinity.record('openai', asked(`${index}`), response, server);
    expect([affinity.tokensOn(server, nextKey('0')), affinity.tokensOn(server, nextKey('1'))]).toEqual([0, 12]);
  });
});
