import { describe, expect, it } from 'vitest';
import { isAborted, toFinishReason } from '#lib/models/openai/finish-reason';

describe('a finish reason', () => {
  it.each([
    ['stop', 'stop'],
    ['eos_token', 'stop'],
    ['max_tokens', 'length'],
    ['model_length', 'length'],
    ['function_call', 'tool_calls'],
    ['SAFETY', 'content_filter'],
    ['new_reason', 'new_reason'],
  ])('%s is %s', (given, reason) => {
    expect(toFinishReason(given)).toBe(reason);
  });

  it('says whether the server gave the response up', () => {
    expect(['abort', 'canceled', 'insufficient_system_resource'].every(isAborted)).toBe(true);
    expect(['stop', 'length', 'content_filter', 'tool_calls'].some(isAborted)).toBe(false);
  });
});
