/**
 * Shapes that were seen of several servers, or of gateways in front of them.
 * - Mistral's API: https://docs.mistral.ai/capabilities/reasoning (content as a list of parts).
 * - Google's endpoint for OpenAI's SDKs, and older Ollama: whole calls, with an empty or no id, and
 *   without an index or with index 0 each.
 * - Text Generation Inference: `finish_reason: "eos_token"`, a `data:` without a space.
 */
import { chunks, type Dialect, sse, TOKENS } from './dialect.ts';

const chunk = chunks(
  { id: 'chatcmpl-9xY', object: 'chat.completion.chunk', created: 1_764_378_000, model: 'served' },
  { logprobs: null },
);
const ended = (reason = 'stop') => chunk({}, reason);
const usage = { prompt_tokens: 11, completion_tokens: 7 };

const calls = [
  { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
  { id: 'call_2', type: 'function', function: { name: 'time', arguments: '{}' } },
];
const withoutIds = calls.map((call) => ({ ...call, id: '' }));

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_764_378_000,
  model: 'served',
  system_fingerprint: null,
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'One piece.', reasoning_content: 'Hm.', refusal: null, tool_calls: [] },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: TOKENS,
};

export const others: Dialect[] = [
  {
    name: 'Mistral',
    api: 'openai',
    events: [
      chunk({ role: 'assistant', content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Simple sum.' }] }] }),
      chunk({
        content: [
          { type: 'text', text: 'It is ' },
          { type: 'reference', reference_ids: [1] },
        ],
      }),
      chunk({ content: '4' }),
      { ...chunk({ content: '' }, 'model_length'), usage },
    ],
    text: 'It is 4',
    thinking: 'Simple sum.',
    usage,
  },
  {
    name: 'tags in the text',
    api: 'openai',
    think: true,
    events: [chunk({ content: '<think>\nHm.' }), chunk({ content: '</think>\n\nHello <think>' }), ended()],
    text: 'Hello <think>',
    thinking: 'Hm.',
  },
  {
    name: 'a server without a finish reason, that ends with [DONE] and blanks',
    api: 'openai',
    events: [chunk({ content: 'Hello' }), { choices: [{ delta: { content: '!' } }] }],
    write: (events) => `${events.map(sse).join('event: ping\ndata:\n\n')}data: [DONE] \n\n`,
    text: 'Hello!',
  },
  {
    name: 'a server that says nothing after [DONE] without a newline',
    api: 'openai',
    events: [chunk({ content: 'Hello' })],
    write: (events) => `${events.map(sse).join('')}data: [DONE]`,
    text: 'Hello',
  },
  {
    name: 'a server with a byte order mark, other fields of events, and null deltas',
    api: 'openai',
    events: [chunk(null), chunk({ content: 'Hello' }), chunk(null, 'eos_token')],
    write: (events) =>
      `\ufeffretry: 3000\nid: 1\n\n${events.map((event) => `event: message\nid: 2\ndata:${JSON.stringify(event)}\n\n`).join('')}data:[DONE]\n\n`,
    text: 'Hello',
  },
  {
    name: 'tool calls in pieces',
    api: 'openai',
    events: [
      chunk({
        role: 'assistant',
        content: null,
        tool_calls: [{ ...calls[0], index: 0, function: { name: 'weather', arguments: '' } }],
      }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":"Bern"}' } }] }),
      chunk({ tool_calls: [{ ...calls[1], index: 1 }] }),
      ended('tool_calls'),
    ],
    text: '',
    tools: ['weather', 'time'],
  },
  {
    name: 'whole tool calls without an index',
    api: 'openai',
    events: [chunk({ content: 'Wait.', tool_calls: calls }), ended('tool_calls')],
    text: 'Wait.',
    tools: ['weather', 'time'],
  },
  {
    name: 'whole tool calls with index 0 each and no id, and the finish reason of a text',
    api: 'openai',
    events: [
      ...withoutIds.map((call) => chunk({ role: 'assistant', tool_calls: [{ ...call, index: 0 }] })),
      ended('stop'),
    ],
    text: '',
    tools: ['weather', 'time'],
  },
  {
    name: 'a server that does not stream',
    api: 'openai',
    isOnePiece: true,
    events: [completion],
    write: (events) => events.map((event) => JSON.stringify(event, null, 1)).join('\n'),
    text: 'One piece.',
    thinking: 'Hm.',
    usage,
  },
];
