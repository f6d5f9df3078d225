import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { samplingOptions } from '#lib/models/embedded/sampling';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import { ANTHROPIC_FIELDS, ANTHROPIC_REFUSED_TYPES } from '#lib/wire/anthropic-field-support';
import { COMPLETION_FIELDS } from '#lib/wire/completion-field-support';
import {
  type FieldSupport,
  type FieldSupportByServer,
  type ModelServerKind,
  OLLAMA_FIELDS,
  OPENAI_FIELDS,
} from '#lib/wire/request-field-support';
import { REFUSED_RESPONSES_TYPES, RESPONSES_FIELDS } from '#lib/wire/responses-field-support';
import { ANTHROPIC_SAMPLES, REFUSED_SAMPLES } from '../support/anthropic-field-samples.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { type FaultyModelServer, ollama, openai, startFaultyModelServer } from '../support/faulty-model-server.ts';
import type { FieldSample } from '../support/field-sample.ts';
import { OLLAMA_SAMPLES } from '../support/ollama-field-samples.ts';
import { COMPLETION_SAMPLES, OPENAI_SAMPLES, USER } from '../support/openai-field-samples.ts';
import { RESPONSES_SAMPLES, STORED_ID } from '../support/responses-samples.ts';
import { TypeDeclarations } from '../support/sdk-type-fields.ts';

/**
 * Every field of the official SDKs' requests has a row in the table, and every row is true: the
 * field is sent through the app to each kind of model server, and what arrives there, the error
 * and the response header are looked at.
 */

const ANTHROPIC_TYPES = new TypeDeclarations('node_modules/@anthropic-ai/sdk/resources/messages/messages.d.ts');
const RESPONSES_SOURCE = readFileSync('node_modules/openai/resources/responses/responses.d.ts', 'utf8');

type Table = Readonly<Record<string, Readonly<Record<string, FieldSupportByServer>>>>;

let model: FaultyModelServer;
let s: ChatServer;
/** What the built-in model was asked. */
const embeddedRequests: object[] = [];
let providers: Record<ModelServerKind, ModelProvider>;

beforeAll(async () => {
  model = await startFaultyModelServer();
  model.choose((body) =>
    String(Reflect.get(Object(body), 'model')) === 'openai'
      ? [{ send: openai.text('x') + openai.finish() + openai.usage() + openai.done() }]
      : [{ send: ollama.text('x') + ollama.done() }],
  );
  const embedded = new EmbeddedProvider(readConfig({}));
  embedded.chat = async (request, _signal, emit) => {
    embeddedRequests.push(inChild(request));
    emit({ type: 'content', text: 'x' });
    emit({ type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } });
  };
  providers = {
    openai: new OpenAiProvider({ url: `${model.url}/v1` }),
    ollama: new OllamaProvider({ url: model.url, keepAlive: '5m' }),
    embedded,
  };
  s = await chatServer(
    { BATCH_TIMEOUT_MS: '1' },
    {
      clock: systemClock,
      directory: {
        resolve: async (name) => ({ provider: providers[(name ?? 'ollama') as ModelServerKind], model: name ?? '' }),
      },
    },
  );
});

beforeAll(async () => {
  const stored = await fetch(`${s.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': STORED_ID },
    body: JSON.stringify({ model: 'openai', input: 'a stored question' }),
  });
  expect(stored.status).toBe(200);
});

afterAll(async () => {
  await s.close();
  await Promise.all(Object.values(providers).map((provider) => provider.close()));
  await model.close();
});

/** What the built-in model's process makes of a request. */
function inChild({ messages, completion, options, format: asked, think }: ModelRequest): object {
  return {
    completion,
    messages: messages.map(({ role: who, content }) => [who, content]),
    sampling: samplingOptions(options, 2_048),
    format: asked,
    thinks: think !== false,
  };
}

interface Outcome {
  status: number;
  cache: string | null;
  ignored: string[];
  dropped: string[];
  /** The field that an error names first. */
  refused: string | undefined;
  /** The error's code. */
  code: string | undefined;
  /** What the model server got; undefined where it was not asked. */
  arrived: unknown;
}

/** Reads the cache whatever the sampling is, by which equal requests are found. */
async function send(path: string, body: object, headers: Record<string, string> = {}): Promise<Outcome> {
  const before = [model.requests.length, embeddedRequests.length];
  const response = await fetch(s.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-cache-policy': 'on', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const failure = response.ok ? undefined : JSON.parse(text);
  return {
    status: response.status,
    cache: response.headers.get('x-cache'),
    ignored: response.headers.get('x-ignored-fields')?.split(', ') ?? [],
    dropped: response.headers.get('x-dropped-params')?.split(', ') ?? [],
    refused: failure?.error?.param ?? (failure?.error?.details?.fields ?? failure?.details)?.[0]?.field,
    code: failure?.error?.code ?? failure?.error?.details?.error_code ?? failure?.code,
    arrived: model.requests[before[0] ?? 0]?.body ?? embeddedRequests[before[1] ?? 0],
  };
}

interface Row {
  path: string;
  kind: ModelServerKind;
  type: string;
  field: string;
  use: FieldSupport;
  sample: FieldSample;
  start: object;
}

let requests = 0;

/** A whole request of a conversation that no other has. */
function whole({ path, kind, start }: Row, conversation: number, fields: object): object {
  if (path === '/v1/completions') return { model: kind, prompt: 'hello', seed: conversation, ...start, ...fields };
  if (path === '/v1/responses') {
    const instructions = `conversation ${conversation} ${Reflect.get(fields, 'instructions') ?? ''}`;
    return { model: kind, input: 'hello', ...fields, instructions };
  }
  const said = path === '/api/generate' ? { prompt: 'hello' } : { messages: [USER] };
  const { messages, ...rest } = { ...start, ...said, ...fields } as { messages?: object[] };
  const mark = { role: 'system', content: `conversation ${conversation}` };
  const marked = path === '/api/generate' ? {} : { messages: [mark, ...(messages ?? [])] };
  const options = path === '/api/generate' ? { options: { seed: conversation, ...Reflect.get(rest, 'options') } } : {};
  return { model: kind, ...rest, ...options, ...marked };
}

/** Field names stand at the end of a path with places (`messages.0.audio`), or are it. */
function names(told: string | undefined, row: Row): boolean {
  const path = told?.split('.') ?? [];
  const last = row.field === 'image_url' || row.field === 'content' ? 'content' : row.field;
  if (told !== undefined && told === containerOf(row)) return true;
  if (row.field === 'top_logprobs' && told === 'logprobs') return true;
  return path.includes(row.field) || path.includes(last) || (told !== undefined && CONTAINERS.test(told));
}

/** Of what is inside these, the whole is reported or refused. */
const CONTAINER_OF: Readonly<Record<string, string>> = {
  ChatCompletionMessageFunctionToolCall: 'messages.tool_calls',
  'ChatCompletionMessageFunctionToolCall.Function': 'messages.tool_calls',
  ToolCall: 'messages.tool_calls',
  'ToolCall.function': 'messages.tool_calls',
  ChatCompletionFunctionTool: 'tools',
  FunctionDefinition: 'tools',
  Tool: 'tools',
  'Tool.function': 'tools',
  ToolUseBlockParam: 'messages.content.tool_use',
  ToolChoiceAny: 'tool_choice',
  ToolChoiceTool: 'tool_choice',
  ResponseInputImage: 'input.content.image_url',
  ResponseInputImageContent: 'input.content.image_url',
  'ResponseCreateParamsBase.reasoning': 'reasoning.effort',
  ...Object.fromEntries(
    ['arguments', 'input', 'call_id', 'name', 'namespace'].flatMap((field) => [
      [`ResponseFunctionToolCall.${field}`, 'input.function_call'],
      [`ResponseCustomToolCall.${field}`, 'input.function_call'],
    ]),
  ),
  'ResponseReasoningItem.content': 'input.reasoning',
  'ResponseReasoningItem.summary': 'input.reasoning',
  'ResponseReasoningItem.Content': 'input.reasoning',
  'ResponseReasoningItem.Summary': 'input.reasoning',
  CustomTool: 'tools',
  NamespaceTool: 'tools',
  FunctionTool: 'tools',
  'NamespaceTool.Function': 'tools',
  ToolChoiceFunction: 'tool_choice',
  ToolChoiceCustom: 'tool_choice',
  'ToolChoiceAllowed.mode': 'tool_choice',
};

function containerOf({ type, field }: Row): string | undefined {
  return CONTAINER_OF[type] ?? CONTAINER_OF[`${type}.${field}`];
}

/** A part or a message of a type that is not taken is refused as a whole. */
const CONTAINERS =
  /^messages\.\d+\.(?:role|content\.\d+\.type|tool_calls\.\d+\.type)$|^tools\.\d+\.type$|^messages\.content/;

const KINDS: readonly ModelServerKind[] = ['openai', 'ollama', 'embedded'];

function rowsOf(
  path: string,
  table: Table,
  samples: Readonly<Record<string, FieldSample>>,
  start: object,
  types?: string[],
): Row[] {
  return Object.entries(table)
    .filter(([type]) => types === undefined || types.includes(type))
    .flatMap(([type, fields]) =>
      Object.entries(fields).flatMap(([field, uses]) => {
        const sample = samples[type];
        if (sample === undefined || sample.always?.includes(field) === true) return [];
        return KINDS.map((kind) => ({ path, kind, type, field, use: uses[kind], sample, start }));
      }),
    );
}

const ROWS: Row[] = [
  ...rowsOf('/v1/chat/completions', OPENAI_FIELDS, OPENAI_SAMPLES, {}),
  ...rowsOf('/v1/completions', COMPLETION_FIELDS, COMPLETION_SAMPLES, {}),
  ...rowsOf('/v1/messages', ANTHROPIC_FIELDS, ANTHROPIC_SAMPLES, {}),
  ...rowsOf('/v1/responses', RESPONSES_FIELDS, RESPONSES_SAMPLES, {}),
  ...rowsOf('/api/chat', OLLAMA_FIELDS, OLLAMA_SAMPLES, { stream: false }).filter(
    ({ type }) => type !== 'GenerateRequest',
  ),
  ...rowsOf('/api/generate', OLLAMA_FIELDS, OLLAMA_SAMPLES, { stream: false }, ['GenerateRequest']),
];

/** Fields that hold a part of the conversation, or refer to one: they are never left out. */
const OF_CONVERSATION = /^(?:messages|input|prompt|conversation|context|thread|images)\b/;

/** A parameter that is refused can be left out: the request is then the one without it. */
async function checkDropping(row: Row, given: Outcome, drop: (value: unknown) => Promise<Outcome>): Promise<void> {
  const [value] = row.sample.values[row.field] ?? [];
  const dropping = await drop(value);
  if (given.code !== 'unsupported_parameter' || OF_CONVERSATION.test(given.refused ?? '')) {
    expect([dropping.status, dropping.refused]).toEqual([given.status, given.refused]);
    return;
  }
  expect(dropping.status, dropping.refused).toBe(200);
  const isNamed = dropping.dropped.some((name) => names(name, row));
  expect(isNamed, dropping.dropped.join()).toBe(true);
  // Its switch of thinking is supported as `think`, and stays.
  if (row.field === 'chat_template_kwargs') return;
  const bare = await drop(undefined);
  const other = await drop(row.sample.values[row.field]?.[1]);
  // Some fields are required, and one value of a field may be supported.
  if (bare.status === 200) expect(bare.cache).toBe('hit');
  if (other.dropped.length > 0) expect(other.cache).toBe('hit');
}

describe('a request field', () => {
  it('has two values to be tried with', () => {
    const lacking = ROWS.filter(({ sample, field }) => sample.values[field] === undefined);
    expect(lacking.map(({ type, field }) => `${type}.${field}`)).toEqual([]);
  });

  it.each(
    ROWS.filter(({ sample, field }) => sample.values[field] !== undefined).map(
      (row) => [`${row.path} ${row.type}.${row.field} to ${row.kind}: ${row.use}`, row] as const,
    ),
  )('%s', async (_name, row) => {
    const { sample, field, use } = row;
    const [value, second] = sample.values[field] ?? [];
    const conversation = ++requests;
    const put = (chosen: unknown) => whole(row, conversation, sample.put(field, chosen));
    const given = await send(row.path, put(value));
    if (use === 'refused') {
      expect([400, 422]).toContain(given.status);
      expect(names(given.refused, row), `${given.refused}`).toBe(true);
      expect(given.arrived).toBeUndefined();
      await checkDropping(row, given, (chosen) => send(row.path, put(chosen), { 'x-drop-params': 'true' }));
      return;
    }
    expect(given.status, `${given.refused}`).toBe(200);
    const toldIgnored = given.ignored.some((told) => told.split('.').at(-1) === field || told === containerOf(row));
    expect(toldIgnored, given.ignored.join()).toBe(use === 'no effect');
    if (use === 'here') return;
    const bare = await send(row.path, whole(row, conversation, sample.base ?? sample.put(field, undefined)));
    const otherwise = await send(row.path, put(second));
    // There is no request without a field that is required.
    const others = [bare, otherwise].filter(({ status }) => status === 200);
    expect(others.length).toBeGreaterThan(0);
    if (use === 'no effect') {
      for (const { arrived, cache } of others) if (cache !== 'hit') expect(arrived).toEqual(given.arrived);
      return;
    }
    expect(others.some(({ arrived }) => !isDeepStrictEqual(arrived, given.arrived))).toBe(true);
    if (field === 'keep_alive') return;
    // Two requests that differ in this field only have two keys.
    expect(others[0]?.cache).toBe('miss');
    if (!isDeepStrictEqual(value, second)) expect(others.at(-1)?.cache).toBe('miss');
    expect((await send(row.path, put(value))).cache).toBe('hit');
  });
});

describe('a type of the Anthropic SDK that is refused', () => {
  const types = Object.entries(ANTHROPIC_REFUSED_TYPES).flatMap(([place, names]) =>
    names.map((name) => [place, name] as const),
  );

  it.each(types)('is refused by the value of its type: %s %s', async (place, name) => {
    const [type] = ANTHROPIC_TYPES.literals(name, 'type');
    expect(type).toMatch(/./);
    const { status, refused, arrived } = await send('/v1/messages', {
      model: 'openai',
      ...REFUSED_SAMPLES[place]?.(type ?? ''),
    });
    expect([400, 422]).toContain(status);
    expect(refused).toMatch(/\btype$/);
    expect(arrived).toBeUndefined();
  });
});

const { items, tools, toolChoices } = REFUSED_RESPONSES_TYPES;

describe('a type of a response’s request that is refused', () => {
  it.each([
    ...Object.values(items).map((type) => [type, { input: [{ type, role: 'developer' }] }, 'input.0.type'] as const),
    ...Object.values(tools).map((type) => [type, { input: 'x', tools: [{ type }] }, 'tools.0.type'] as const),
    ...Object.values(toolChoices).map(
      (type) => [type, { input: 'x', tool_choice: { type } }, 'tool_choice.type'] as const,
    ),
  ])('is named: %s', async (type, body, field) => {
    const { status, refused, arrived } = await send('/v1/responses', { model: 'openai', ...body });
    expect([status, refused, arrived]).toEqual([400, field, undefined]);
    expect(RESPONSES_SOURCE).toContain(`'${type}'`);
  });
});
