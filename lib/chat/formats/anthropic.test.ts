import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessage } from '#lib/chat/formats/anthropic';
import { anthropicErrorBody, anthropicFieldName } from '#lib/chat/formats/anthropic-errors';
import { anthropicModels } from '#lib/chat/formats/anthropic-models';
import { responseEvents } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import { AppError } from '#lib/errors';
import { anthropicResponseSchema } from '#lib/wire/anthropic-response';
import type { ModelInfo } from '#lib/wire/models';
import {
  accumulate,
  calls,
  events,
  messagesOf,
  response,
  text,
  USER,
  VIEW,
} from '../../../test/support/anthropic-format.ts';

describe('a response in Anthropic’s format', () => {
  it('keeps its meaning when it is given back with the results of its tools', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), calls, fc.array(fc.string()), (content, thinking, toolCalls, results) => {
        const message = anthropicMessage(VIEW, response({ content, thinking, tool_calls: toolCalls }));
        anthropicResponseSchema.parse(message);
        const used = message.content.filter((block) => block.type === 'tool_use');
        const back = messagesOf(
          USER,
          { role: message.role, content: JSON.parse(JSON.stringify(message.content)) },
          {
            role: 'user',
            content: used.map((block, at) => ({
              type: 'tool_result',
              tool_use_id: Reflect.get(block, 'id'),
              content: results[at],
            })),
          },
        );
        expect(back[1]).toEqual({
          role: 'assistant',
          content,
          ...(thinking === '' ? {} : { thinking }),
          ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
        });
        const given = toolCalls.map(({ id, function: { name } }, at) => ({
          role: 'tool',
          content: results[at] ?? '',
          tool_call_id: id,
          tool_name: name,
        }));
        expect(back.slice(2)).toEqual(toolCalls.length === 0 ? [{ role: 'user', content: '' }] : given);
      }),
    );
  });

  it('is the same whole and streamed, however its text is split', () => {
    const reason = fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter');
    fc.assert(
      fc.property(fc.array(text), fc.array(text), calls, reason, (thoughts, texts, toolCalls, done_reason) => {
        const whole = response({
          thinking: thoughts.join(''),
          content: texts.join(''),
          tool_calls: toolCalls,
          done_reason,
        });
        const stream = events(
          ...thoughts.map((piece) => ({ type: 'thinking', text: piece }) as const),
          ...texts.map((piece) => ({ type: 'content', text: piece }) as const),
          ...toolCalls.map((call): GenerationEvent => ({ type: 'tool_calls', tool_calls: [call] })),
          { type: 'done', done_reason, usage: whole.usage },
        );
        const message = JSON.parse(JSON.stringify(anthropicMessage(VIEW, whole)));
        expect(accumulate(stream)).toEqual(message);
        expect(accumulate(events(...responseEvents(whole)))).toEqual(message);
        expect(stream.every(({ event, data }) => event === data.type)).toBe(true);
        expect([stream[0]?.event, stream.at(-1)?.event]).toEqual(['message_start', 'message_stop']);
      }),
    );
  });

  it.each([
    [{ content: 'x' }, 'end_turn', null],
    [{ content: 'x', done_reason: 'length' }, 'max_tokens', null],
    [{ content: 'x', stop_sequence: 'END' }, 'stop_sequence', 'END'],
    [{ content: 'x', done_reason: 'content_filter' }, 'refusal', null],
    [{ tool_calls: [{ function: { name: 'a', arguments: {} } }] }, 'tool_use', null],
  ] as const)('of %j has the stop reason %s', (fields, reason, sequence) => {
    const whole = response({ ...fields, tool_calls: 'tool_calls' in fields ? [...fields.tool_calls] : [] });
    expect(anthropicMessage(VIEW, whole)).toMatchObject({ stop_reason: reason, stop_sequence: sequence });
    const delta = events(...responseEvents(whole)).find(({ event }) => event === 'message_delta');
    expect(delta?.data).toMatchObject({ delta: { stop_reason: reason, stop_sequence: sequence } });
  });

  it('has one block for each run of reasoning, text and calls, in their order', () => {
    const stream = events(
      { type: 'thinking', text: 'a' },
      { type: 'content', text: 'b' },
      { type: 'tool_calls', tool_calls: [{ function: { name: 'look', arguments: 'not JSON' } }] },
      { type: 'thinking', text: 'c' },
      { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 2, prompt_truncated: true } },
    );
    const names = stream.map(({ event, data }) => `${event} ${data.index ?? ''}`.trim());
    expect(names).toEqual([
      'message_start',
      'content_block_start 0',
      'content_block_delta 0',
      'content_block_delta 0',
      'content_block_stop 0',
      'content_block_start 1',
      'content_block_delta 1',
      'content_block_stop 1',
      'content_block_start 2',
      'content_block_delta 2',
      'content_block_stop 2',
      'content_block_start 3',
      'content_block_delta 3',
      'content_block_delta 3',
      'content_block_stop 3',
      'message_delta',
      'message_stop',
    ]);
    expect(accumulate(stream)).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'a' },
        { type: 'text', text: 'b' },
        { type: 'tool_use', id: `toolu_${VIEW.generationId}_0`, input: { arguments: 'not JSON' } },
        { type: 'thinking', thinking: 'c' },
      ],
      usage: { input_tokens: 1, output_tokens: 2, prompt_truncated: true },
    });
  });

  it('is whole without any text', () => {
    const stream = events({ type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 0 } });
    expect(stream.map(({ event }) => event)).toEqual(['message_start', 'message_delta', 'message_stop']);
  });

  it('ends with an error that has the request’s id', () => {
    const error = new AppError('upstream_failed', 'It broke.');
    expect(events({ type: 'content', text: 'x' }, { type: 'error', error }).at(-1)).toEqual({
      event: 'error',
      data: {
        type: 'error',
        error: { type: 'api_error', message: 'It broke.', details: { error_code: 'upstream_failed' } },
        request_id: VIEW.id,
      },
    });
  });
});

describe('an error in Anthropic’s format', () => {
  it.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [409, 'invalid_request_error'],
    [413, 'request_too_large'],
    [422, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [502, 'api_error'],
    [503, 'overloaded_error'],
    [504, 'timeout_error'],
  ])('of the status %i has the type %s', (status, type) => {
    expect(anthropicErrorBody({ error: 'x', code: 'y' }, status, 'r').error.type).toBe(type);
  });

  it('names fields as Anthropic does, also in its sentence', () => {
    const details = [{ field: 'parallel_tool_calls', message: 'Ollama has no such setting' }];
    const { message } = AppError.unsupportedParameters(details);
    const body = anthropicErrorBody({ error: message, code: 'unsupported_parameter', details }, 400, 'r');
    expect(body.error.message).toContain('tool_choice.disable_parallel_tool_use (Ollama has no such setting)');
    expect(body.error.details).toEqual({
      error_code: 'unsupported_parameter',
      fields: [{ field: 'tool_choice.disable_parallel_tool_use', message: 'Ollama has no such setting' }],
    });
    expect(anthropicFieldName('messages.0.content.1.type')).toBe('messages.0.content.1.type');
  });
});

describe('the models in Anthropic’s format', () => {
  const MODELS = Array.from(
    { length: 45 },
    (_, index): ModelInfo => ({
      id: `m${index}`,
      provider: 'ollama',
      size_bytes: null,
      parameter_size: null,
      quantization: null,
      context_length: 4_096,
      capabilities: { thinking: true, vision: false, tools: true },
      loaded: false,
      is_default: false,
    }),
  );
  const page = (query: string) => anthropicModels(MODELS, new URLSearchParams(query));

  it('come in pages forward and back', () => {
    expect(page('')).toMatchObject({ has_more: true, first_id: 'm0', last_id: 'm19' });
    expect(page('limit=1000')).toMatchObject({ has_more: false, first_id: 'm0', last_id: 'm44' });
    expect(page('after_id=m39')).toMatchObject({ has_more: false, first_id: 'm40', last_id: 'm44' });
    expect(page('before_id=m20&limit=10')).toMatchObject({ has_more: true, first_id: 'm10', last_id: 'm19' });
    expect(page('before_id=m5&limit=10')).toMatchObject({ has_more: false, first_id: 'm0', last_id: 'm4' });
  });

  it('are active ones only', () => {
    expect(page('lifecycle=retired')).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
    expect(page('lifecycle[]=active&lifecycle[]=retired').data).toHaveLength(20);
  });
});
