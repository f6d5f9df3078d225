import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { chatRequestSchema } from '#lib/wire/chat';
import { ollamaChatSchema, ollamaGenerateSchema } from '#lib/wire/ollama-request';
import { openAiCompletionRequestSchema } from '#lib/wire/openai-completion-request';
import { openAiRequestSchema } from '#lib/wire/openai-request';
import { responsesRequestSchema } from '#lib/wire/responses-request';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { PNG } from '../support/images.ts';

/** What other people's clients send, and bare model servers take. */

let s: ChatServer;
let conversation = 0;

beforeAll(async () => {
  // Requests that mean the same share one response, which is how they are found equal here.
  s = await chatServer({ CACHE_SDK: 'always' });
});

beforeEach(() => {
  conversation += 1;
  s.provider.onCall = (call) => void call.say('x').done();
  s.provider.loadFault = undefined;
});

afterAll(() => s.close());

/** As MIME writers and `base64` without `-w0` put it. */
const WRAPPED = `${PNG.replace(/.{40}/g, '$&\r\n')}\n`;

function post(path: string, body: object): Promise<Response> {
  return fetch(s.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Of one conversation for each test, so that no test meets another's response in the cache. */
const user = (fields: object = {}) => ({ role: 'user', content: `hello ${conversation}`, ...fields });
const own = (fields: object) => post('/api/chat-optimized', { stream: false, messages: [user()], ...fields });
const text = (fields: object) => post('/v1/completions', { prompt: 'x', ...fields });
const v1 = (fields: object) => post('/v1/chat/completions', { model: 'm', messages: [user()], ...fields });
const responses = (fields: object) => post('/v1/responses', { model: 'm', input: [user()], ...fields });
const chat = (fields: object) => post('/api/chat', { model: 'm', stream: false, messages: [user()], ...fields });
const generate = (fields: object) =>
  post('/api/generate', { model: 'm', stream: false, prompt: `hello ${conversation}`, ...fields });

async function ok(reply: Promise<Response>): Promise<Response> {
  const response = await reply;
  expect(response.status, await response.clone().text()).toBe(200);
  return response;
}

async function refusal(result: Promise<Response>) {
  const response = await result;
  const { error, ...rest } = await response.json();
  const { message = error, code = rest.code, param = rest.details?.[0]?.field } = Object(error);
  return { status: response.status, message, code, param };
}

const REQUIRED = ['messages', 'model', 'prompt', 'input'];
const withNulls = (names: string[]) =>
  Object.fromEntries(names.filter((name) => !REQUIRED.includes(name)).map((name) => [name, null]));

describe('null', () => {
  it.each([
    ['/api/chat-optimized', own, Object.keys(chatRequestSchema.shape), { stream: false }],
    ['/v1/chat/completions', v1, Object.keys(openAiRequestSchema.shape), {}],
    ['/v1/completions', text, Object.keys(openAiCompletionRequestSchema.shape), {}],
    ['/v1/responses', responses, Object.keys(responsesRequestSchema.shape), {}],
    ['/api/chat', chat, Object.keys(ollamaChatSchema.shape), { stream: false }],
    ['/api/generate', generate, Object.keys(ollamaGenerateSchema.shape), { stream: false }],
  ] as const)('in every optional field of %s is as if it were not there', async (_path, send, names, fixed) => {
    await ok(send({}));
    const response = await ok(send({ ...withNulls([...names]), ...fixed }));
    expect([response.headers.get('x-cache'), response.headers.get('x-ignored-fields')]).toEqual(['hit', null]);
  });

  it('in messages, tools and stream options is as if it were not there', async () => {
    const nothing = { images: null, tool_calls: null, tool_name: null, tool_call_id: null, thinking: null, name: null };
    const tools = [{ type: 'function', function: { name: 'look', description: null, parameters: null, strict: null } }];
    await ok(own({ messages: [user(nothing)], tools }));
    expect(s.provider.last.request.messages).toEqual([user()]);
    expect(s.provider.last.request.tools).toEqual([{ type: 'function', function: { name: 'look' } }]);
    const same = [
      await ok(chat({ model: 'default-model', messages: [user(nothing)], tools })),
      await ok(
        v1({
          model: null,
          messages: [user({ name: null, refusal: null, tool_calls: null, audio: null, function_call: null })],
          tools,
          stream_options: null,
        }),
      ),
    ];
    expect(same.map(({ headers }) => headers.get('x-cache'))).toEqual(['hit', 'hit']);
  });

  it('as the content of an assistant that asked for a tool is no content', async () => {
    const call = { id: 'c1', function: { name: 'look', arguments: {} } };
    const messages = [user(), { role: 'assistant', content: null, tool_calls: [call] }];
    await ok(own({ messages: [...messages, { role: 'tool', tool_call_id: 'c1', content: 'a tree' }] }));
    expect(s.provider.last.request.messages[1]).toEqual({ role: 'assistant', content: '', tool_calls: [call] });
  });
});

describe('empty lists', () => {
  it('of tools and stops ask for nothing', async () => {
    await ok(v1({}));
    const response = await ok(
      v1({ tools: [], stop: [], functions: [], logit_bias: {}, response_format: { type: 'text' } }),
    );
    expect(response.headers.get('x-cache')).toBe('hit');
  });
});

describe('images', () => {
  it('in base64 with line breaks are taken, on every route', async () => {
    const url = `data:image/png;base64,${WRAPPED}`;
    const imaged = (image_url: unknown) =>
      v1({
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: user().content },
              { type: 'image_url', image_url },
            ],
          },
        ],
      });
    await ok(own({ messages: [user({ images: [WRAPPED] })], model: 'm' }));
    expect(s.provider.last.request.messages[0]?.images).toEqual([PNG]);
    const same = [
      await ok(chat({ messages: [user({ images: [WRAPPED] })] })),
      await ok(generate({ images: [WRAPPED] })),
      await ok(imaged({ url })),
      // A string instead of an object, as LangChain and others send it.
      await ok(imaged(url)),
    ];
    expect(same.map(({ headers }) => headers.get('x-cache'))).toEqual(['hit', 'hit', 'hit', 'hit']);
  });

  it('that are none are refused with the cause', async () => {
    const v1Image = (url: string) =>
      v1({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });
    const cut = await refusal(v1Image(`data:image/png;base64,${PNG.slice(0, -3)}`));
    expect(cut).toMatchObject({ status: 400, code: 'invalid_request', param: 'messages.0.content' });
    expect(cut.message).toMatch(/base64 is not valid/);
    expect((await refusal(v1Image('https://example.com/a.png'))).message).toMatch(/not fetched from elsewhere/);
    const bad = await refusal(own({ messages: [user({ images: ['data:image/png;base64,AAAA'] })] }));
    expect(bad).toMatchObject({ status: 400, param: 'messages.0.images.0' });
    expect(bad.message).toMatch(/in base64.*without a data: prefix/);
  });
});

describe('a bound on tokens', () => {
  it('may be called max_tokens or options.num_predict, and -1 is none', async () => {
    await ok(own({ max_tokens: 7 }));
    expect(s.provider.last.request.options).toEqual({ num_predict: 7 });
    const same = await ok(own({ options: { num_predict: 7 } }));
    expect(same.headers.get('x-cache')).toBe('hit');
    await ok(own({ max_tokens: 7, options: { num_predict: 7 } }));
    expect(await refusal(own({ max_tokens: 7, options: { num_predict: 8 } }))).toMatchObject({
      status: 400,
      param: 'max_tokens',
    });
    await ok(own({ model: 'm', passthrough: { max_completion_tokens: 9 } }));
    expect(s.provider.last.request.options).toEqual({ num_predict: 9 });
    await ok(v1({ max_tokens: -1 }));
    expect(s.provider.last.request.options).toEqual({ num_predict: -1 });
    expect(await refusal(v1({ max_tokens: 5, max_completion_tokens: 6 }))).toMatchObject({ status: 400 });
  });
});

describe('whether to reason', () => {
  it.each([
    [{ reasoning_effort: 'none' }, false],
    [{ reasoning_effort: 'minimal' }, 'low'],
    [{ reasoning_effort: 'medium' }, 'medium'],
    [{ reasoning_effort: 'xhigh' }, 'high'],
    [{ chat_template_kwargs: { enable_thinking: false } }, false],
    [{ chat_template_kwargs: { thinking: true } }, true],
  ])('is understood by other servers’ names for it: %j', async (fields, think) => {
    await ok(v1(fields));
    expect(s.provider.last.request).toMatchObject({ think, passthrough: fields });
    expect((await ok(own({ model: 'm', passthrough: fields }))).headers.get('x-cache')).toBe('hit');
  });
});

describe('sampling on /v1', () => {
  it.each([
    ['temperature', 9],
    ['temperature', -0.1],
    ['top_p', 1.1],
    ['frequency_penalty', 2.1],
    ['presence_penalty', -2.1],
    ['n', 0],
    ['n', 9],
    ['max_tokens', 0],
    ['max_tokens', -2],
    ['top_logprobs', 21],
    ['top_logprobs', 2],
    ['logit_bias', { 1: 101 }],
    ['reasoning_effort', 'enormous'],
    ['modalities', ['text', 'audio']],
  ])('refuses %s %j as OpenAI does', async (field, value) => {
    const refused = await refusal(v1({ [field]: value }));
    expect(refused).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(refused.param).toMatch(new RegExp(`^${field}`));
  });

  it.each([
    ['temperature', 2],
    ['top_p', 0],
    ['frequency_penalty', -2],
    ['n', 1],
    ['n', 2],
    ['best_of', 1],
  ])('takes %s %j', async (field, value) => {
    await ok(v1({ [field]: value }));
  });
});

describe('tool calls', () => {
  const history = (call: object) => [user(), { role: 'assistant', content: null, tool_calls: [call] }];
  const sent = () => s.provider.last.request.messages[1]?.tool_calls;

  it('are taken without a type, without an id, and with arguments of any form', async () => {
    await ok(v1({ messages: history({ function: { name: 'look', arguments: { at: 1 } } }) }));
    expect(sent()).toEqual([{ function: { name: 'look', arguments: { at: 1 } } }]);
    await ok(v1({ messages: history({ id: 'c', type: null, function: { name: 'look', arguments: '' } }) }));
    expect(sent()).toEqual([{ id: 'c', function: { name: 'look', arguments: {} } }]);
    await ok(v1({ messages: history({ id: 'c', type: 'function', function: { name: 'look', arguments: '{"at":' } }) }));
    expect(sent()).toEqual([{ id: 'c', function: { name: 'look', arguments: '{"at":' } }]);
    await ok(
      chat({
        messages: [user(), { role: 'assistant', tool_calls: [{ function: { name: 'a', arguments: '{"at":1}' } }] }],
      }),
    );
    expect(sent()).toEqual([{ function: { name: 'a', arguments: { at: 1 } } }]);
  });

  it('whose arguments are no object come to OpenAI’s callers as they are, and to Ollama’s in one', async () => {
    s.provider.onCall = (call) => void call.ask([{ id: 'c', function: { name: 'look', arguments: '[1' } }]).done();
    const { choices } = await (await ok(v1({}))).json();
    expect(choices[0].message.tool_calls[0].function.arguments).toBe('[1');
    const { message } = await (await ok(chat({}))).json();
    expect(message.tool_calls[0].function.arguments).toEqual({ arguments: '[1' });
  });
});

describe('what nothing here can do', () => {
  it.each([
    ['best_of', { best_of: 2 }],
    ['best_of', { n: 2, best_of: 3 }],
    ['functions', { functions: [{ name: 'a' }] }],
    ['function_call', { function_call: 'auto' }],
    [
      'messages.0.content.0.type',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    ],
    [
      'messages.1.function_call',
      { messages: [user(), { role: 'assistant', function_call: { name: 'a', arguments: '' } }] },
    ],
  ])('is refused by the name %s', async (param, fields) => {
    const refused = await refusal(v1(fields));
    expect(refused).toMatchObject({ status: 400, code: 'unsupported_parameter', param });
    expect(refused.message).toContain(param);
  });
});

describe('the header X-Ignored-Fields', () => {
  const ignored = async (response: Promise<Response>) => (await ok(response)).headers.get('x-ignored-fields');

  it('names unknown fields, and what was probably meant, also for a hit', async () => {
    const fields = { temprature: 0, systemprompt: 'x', nonsense: 1, model: 'm' };
    const told = 'temprature (did you mean options.temperature?), systemprompt (did you mean system_prompt?), nonsense';
    expect(await ignored(own(fields))).toBe(told);
    const hit = await ok(own(fields));
    expect([hit.headers.get('x-cache'), hit.headers.get('x-ignored-fields')]).toEqual(['hit', told]);
    expect(await ignored(own({ model: 'm', stream: true, temprature: 0 }))).toBe(
      'temprature (did you mean options.temperature?)',
    );
    expect(await ignored(own({ temperature: 0, topP: 1, max_token: 5 }))).toBe(
      'temperature (did you mean options.temperature?), topP (did you mean options.top_p?), max_token (did you mean max_tokens?)',
    );
    expect(await ignored(own({ model: 'm' }))).toBeNull();
    expect(await ignored(v1({ temprature: 0, maxTokens: 5 }))).toBe(
      'temprature (did you mean temperature?), maxTokens (did you mean max_tokens?)',
    );
    expect(await ignored(chat({ optoins: {}, messages: [user({ nme: 'x' })] }))).toBe(
      'messages.nme, optoins (did you mean options?)',
    );
    const queued = await post('/api/chat-queue', { messages: [user()], conversationID: 'x' });
    expect(queued.headers.get('x-ignored-fields')).toBe('conversationID (did you mean conversation_id?)');
  });

  it('is not needed for a required field: the error names what was sent for it', async () => {
    const refused = await refusal(post('/api/chat-optimized', { mesages: [user()], nonsense: 1 }));
    expect(refused).toMatchObject({ status: 400, code: 'invalid_request', param: 'messages' });
    expect(refused.message).toContain('messages is required: a list of objects with role and content (mesages is not');
    expect((await refusal(post('/api/chat-optimized', { nonsense: 1 }))).message).not.toContain('nonsense');
  });

  it('is bounded, and always a valid header', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`q${index}${'z'.repeat(100)}`, 1]));
    const long = await ignored(v1({ 'é\r\n,x': 1, ...many }));
    expect(long).toMatch(/^\?\?\?\?x, q0z+, .*, \.\.\.$/);
    expect(long?.length).toBeLessThan(1_500);
  });

  it('may be read by pages of other origins', async () => {
    const response = await fetch(`${s.url}/api/tags`, { headers: { origin: s.url } });
    expect(response.headers.get('access-control-expose-headers')).toContain('X-Ignored-Fields');
  });
});

describe('Ollama’s API', () => {
  it('shows a model by `name`, and lists when it was changed', async () => {
    const shown = await (await ok(post('/api/show', { name: 'other:7b' }))).json();
    expect(shown.capabilities).toContain('completion');
    expect(await refusal(post('/api/show', {}))).toMatchObject({ status: 400, param: 'model' });
    const { models } = await (await fetch(`${s.url}/api/tags`)).json();
    for (const { modified_at: changed } of models) expect(Date.parse(changed)).not.toBeNaN();
  });

  it('responds with 404 to the load of an unknown model, so clients pull it', async () => {
    s.provider.loadFault = new AppError('model_not_found', 'Get it with `ollama pull m`.');
    for (const load of [chat({ messages: [] }), generate({ prompt: '' })])
      expect(await refusal(load)).toMatchObject({ status: 404, message: 'Get it with `ollama pull m`.' });
  });

  it.each(['soon', '', '5', '1h 30m', '5 m'])('refuses the keep_alive %j, as Ollama does', async (keep_alive) => {
    const refused = await refusal(chat({ keep_alive }));
    expect(refused).toMatchObject({ status: 400, param: 'keep_alive' });
    expect(refused.message).toContain('1h30m');
  });

  it('passes keep_alive on, which makes no other request of it', async () => {
    await ok(chat({ keep_alive: '90s' }));
    expect(s.provider.last.request.keepAlive).toBe('90s');
    expect((await ok(chat({ keep_alive: 0 }))).headers.get('x-cache')).toBe('hit');
  });
});

describe('log probabilities', () => {
  const asked = { logprobs: true, top_logprobs: 1 };
  const token = { token: 'x', logprob: -0.5, top_logprobs: [{ token: 'other', logprob: -2 }] };
  const openAi = {
    content: [{ ...token, bytes: null, top_logprobs: [{ token: 'other', logprob: -2, bytes: null }] }],
    refusal: null,
  };
  const dataOf = async (response: Response) =>
    (await response.text())
      .split('\n')
      .flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6))] : []));

  it.each(['miss', 'hit'])('come with the text that they are of, in every form: %s', async (cache) => {
    if (cache === 'miss') s.provider.onCall = (call) => void call.logprobs('x').say('x').done();
    conversation = 1_000;
    const first = await ok(v1({ ...asked }));
    expect(first.headers.get('x-cache')).toBe(cache);
    const { choices } = await first.json();
    expect(choices[0].logprobs).toEqual(openAi);
    const chunks = await dataOf(await ok(v1({ ...asked, stream: true })));
    const with_ = chunks.filter((chunk) => chunk.choices[0]?.logprobs != null);
    expect(with_.map((chunk) => [chunk.choices[0].delta.content, chunk.choices[0].logprobs])).toEqual([['x', openAi]]);
    expect(await (await ok(chat({ ...asked }))).json()).toMatchObject({ logprobs: [token] });
    const lines = (await (await ok(chat({ ...asked, stream: true }))).text()).trim().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: { content: 'x' }, logprobs: [token] });
    expect(await (await ok(own({ ...asked, model: 'm' }))).json()).toMatchObject({ logprobs: [token] });
    const events = await dataOf(await ok(own({ ...asked, model: 'm', stream: true })));
    expect(events.filter((event) => event.logprobs !== undefined)).toEqual([
      { logprobs: [token], done: false, cached: true },
    ]);
    expect(s.provider.calls.filter(({ request }) => request.logprobs === true)).toHaveLength(1);
  });
});
