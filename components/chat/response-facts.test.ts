import { expect, it } from 'vitest';
import type { AssistantMessage } from './conversation.ts';
import { responseFacts } from './response-facts.ts';
import { newResponse } from './response-states.ts';
import { statusSentence } from './status-sentence.ts';

const response = (fields: Partial<AssistantMessage>): AssistantMessage => ({
  ...newResponse('r', 'c', 'q', 1),
  ...{ state: 'done', content: 'text', model: 'm', ...fields },
});

it('lists the tokens of a response, and none that the model server did not count', () => {
  expect(responseFacts(response({ completionTokens: 12 }))).toEqual(['m', '12 tokens']);
  expect(responseFacts(response({ completionTokens: 0, pieces: 12 }))).toEqual(['m']);
  expect(responseFacts(response({ state: 'stopped', pieces: 12 }))).toEqual(['m', 'about 12 tokens']);
});

it('announces how a response ended', () => {
  expect(statusSentence(response({ doneReason: 'stop' }), undefined)).toBe('The answer is complete.');
  expect(statusSentence(response({ doneReason: 'length' }), undefined)).toBe('The answer stopped at the token limit.');
  expect(statusSentence(response({ state: 'stopped' }), undefined)).toBe('The answer was stopped.');
});
