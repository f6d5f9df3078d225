import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { z } from 'zod';
import { Fault } from '#lib/fault';
import { decodeText, MAX_LINE_CHARACTERS } from '#lib/models/lines';
import type { ModelEvent, ModelProvider, ModelRequest } from '#lib/models/provider';
import { splitThinking } from '#lib/models/thinking';
import { errorTextOf, type Refuse, Upstream } from '#lib/models/upstream';
import {
  type Format,
  type Message,
  type ModelOptions,
  type Think,
  type ToolCall,
  toolCallSchema,
  type Usage,
} from '#lib/wire/chat';
import type { ModelInfo } from '#lib/wire/models';

export interface OpenAiOptions {
  /** With its `/v1`. */
  url: string;
  key?: string | undefined;
}

/** Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, LM Studio, a hosted one. */
export class OpenAiProvider implements ModelProvider {
  readonly id: 'openai' = 'openai';
  readonly #upstream: Upstream;

  constructor({ url, key }: OpenAiOptions) {
    this.#upstream = new Upstream({
      name: 'The model server',
      url,
      advice: 'Start it, or correct OPENAI_BASE_URL.',
      ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    });
  }

  get connections(): number {
    return this.#upstream.connections;
  }

  chat(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    return splitThinking(this.#events(request, signal));
  }

  async *#events(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    const body = {
      model: request.model,
      messages: request.messages.map(openAiMessage),
      stream: true,
      stream_options: { include_usage: true },
      ...mapOptions(request.options),
      ...mapThink(request.think),
      ...mapFormat(request.format),
      tools: request.tools,
    };
    let done = false;
    const bytes = this.#upstream.stream(
      { method: 'POST', path: '/chat/completions', body, signal },
      refuse(request.model),
      () => done,
    );
    let reason: string | undefined;
    let usage: Usage = { prompt_tokens: 0, completion_tokens: 0 };
    const calls = new ToolCallParts();
    for await (const data of serverSentData(decodeText(bytes))) {
      if (data === '[DONE]') {
        // A server that never gives a reason still ended properly.
        reason ??= 'stop';
        done = true;
        break;
      }
      const part = parsePart(data);
      if (part.usage)
        usage = { prompt_tokens: part.usage.prompt_tokens, completion_tokens: part.usage.completion_tokens };
      const choice = part.choices?.[0];
      const thinking = choice?.delta?.reasoning_content ?? choice?.delta?.reasoning;
      if (thinking) yield { type: 'thinking', text: thinking };
      if (choice?.delta?.content) yield { type: 'content', text: choice.delta.content };
      for (const call of choice?.delta?.tool_calls ?? []) calls.add(call);
      if (choice?.finish_reason) reason = choice.finish_reason;
    }
    if (reason === undefined)
      throw new Fault('upstream_truncated', 'The model server ended its answer before it was done.');
    const toolCalls = calls.whole();
    if (toolCalls.length > 0) yield { type: 'tool_calls', tool_calls: toolCalls };
    yield { type: 'done', done_reason: reason, usage };
  }

  async models(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]> {
    const parsed = modelsSchema.safeParse(await this.#upstream.json({ method: 'GET', path: '/models', signal }));
    if (!parsed.success)
      throw new Fault(
        'upstream_failed',
        `What answers at ${this.#upstream.address} does not list models as OpenAI's API does; OPENAI_BASE_URL needs its /v1.`,
      );
    return parsed.data.data.map((model) => ({
      id: model.id,
      provider: this.id,
      size_bytes: model.meta?.size ?? null,
      parameter_size: null,
      quantization: null,
      context_length: model.max_model_len ?? model.context_length ?? model.meta?.n_ctx_train ?? null,
      capabilities: {
        thinking: model.supported_parameters?.includes('reasoning') ?? false,
        vision: model.architecture?.input_modalities?.includes('image') ?? LOOKS_MULTIMODAL.test(model.id),
        tools: model.supported_parameters?.includes('tools') ?? false,
      },
      loaded: true,
    }));
  }

  /** These servers have no call that loads a model: that it is served at all is what can be known. */
  async load(model: string, signal: AbortSignal): Promise<{ load_duration_ms: number }> {
    const startedAt = performance.now();
    const models = await this.models(signal);
    if (!models.some(({ id }) => id === model)) throw notServed(model);
    return { load_duration_ms: Math.round(performance.now() - startedAt) };
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.models(signal);
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }
}

/** The API does not tell which models see; the names of those that do are well known. */
const LOOKS_MULTIMODAL = /\b(gpt-4o|gpt-4\.1|gpt-5|o[34]|claude|gemini|gemma-?3|llava|pixtral|.*[-_]?vl|.*vision)\b/i;

const notServed = (model: string) =>
  new Fault('model_not_found', `The model server does not serve ${model}. GET /api/models lists what it has.`);

const refuse =
  (model: string): Refuse =>
  (status) =>
    status === 404 ? notServed(model) : undefined;

function openAiMessage({ role, content, images, tool_calls: calls, tool_call_id: id }: Message) {
  if (role === 'tool' && id !== undefined) return { role, content, tool_call_id: id };
  if (calls !== undefined && calls.length > 0) return { role, content, tool_calls: calls.map(openAiToolCall) };
  // A tool's message needs the id of its call; without one, every server takes it as the user's.
  const sent = role === 'tool' ? 'user' : role;
  if (images === undefined || images.length === 0) return { role: sent, content };
  return {
    role: sent,
    content: [
      { type: 'text', text: content },
      ...images.map((image) => ({ type: 'image_url', image_url: { url: `data:${imageType(image)};base64,${image}` } })),
    ],
  };
}

function openAiToolCall({ id, function: { name, arguments: given } }: ToolCall, place: number) {
  return { id: id ?? `call_${place}`, type: 'function', function: { name, arguments: JSON.stringify(given) } };
}

/** What a piece of a tool call costs beside its text, in characters. */
const CALL_CHARACTERS = 128;

/** Tool calls come in pieces: the first one of a call has its id and name, each has more of its arguments' text. */
class ToolCallParts {
  readonly #calls = new Map<number, { id: string | undefined; name: string; arguments: string }>();
  #characters = 0;

  /** Throws `upstream_failed` where all calls together become too large. */
  add({ index, id, function: part }: z.infer<typeof toolCallPartSchema>): void {
    this.#characters += CALL_CHARACTERS + (part?.name?.length ?? 0) + (part?.arguments?.length ?? 0);
    if (this.#characters > MAX_LINE_CHARACTERS)
      throw new Fault('upstream_failed', 'The model server sent tool calls that are too large.');
    const call = this.#calls.get(index) ?? { id: undefined, name: '', arguments: '' };
    this.#calls.set(index, call);
    call.id ??= id ?? undefined;
    call.name += part?.name ?? '';
    call.arguments += part?.arguments ?? '';
  }

  /** Throws `upstream_failed` where a call's arguments are not a JSON object. */
  whole(): ToolCall[] {
    return [...this.#calls.values()].map(({ id, name, arguments: written }) => {
      const parsed = toolCallSchema.safeParse({ id, function: { name, arguments: parseArguments(written) } });
      if (parsed.success) return parsed.data;
      throw new Fault('upstream_failed', `The model asked for the tool ${name} with arguments that are not JSON.`);
    });
  }
}

function parseArguments(written: string): unknown {
  if (written === '') return {};
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}

/** By the first bytes, in base64. */
function imageType(base64: string): string {
  if (base64.startsWith('/9j/')) return 'image/jpeg';
  if (base64.startsWith('R0lGOD')) return 'image/gif';
  if (base64.startsWith('UklGR')) return 'image/webp';
  return 'image/png';
}

/** Options of the same name in both APIs; what only Ollama's runner knows (`num_ctx`, …) has no place here. */
const SAME_NAME = ['temperature', 'top_p', 'top_k', 'min_p', 'seed', 'stop', 'presence_penalty', 'frequency_penalty'];

function mapOptions(options: ModelOptions): ModelOptions {
  const mapped: ModelOptions = {};
  for (const name of SAME_NAME) if (options[name] !== undefined) mapped[name] = options[name];
  // Ollama's −1 and −2 mean no bound.
  if (typeof options.num_predict === 'number' && options.num_predict > 0) mapped.max_tokens = options.num_predict;
  return mapped;
}

/** Only an effort has a name that these servers share. */
function mapThink(think: Think | undefined) {
  return typeof think === 'string' ? { reasoning_effort: think } : {};
}

function mapFormat(format: Format | undefined) {
  if (format === undefined) return {};
  if (format === 'json') return { response_format: { type: 'json_object' } };
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format } } };
}

/** The `data` of each event of a server-sent stream. Throws `upstream_failed` where one is too long. */
async function* serverSentData(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  let unended = 0;
  for await (const text of texts) {
    unended += text.length;
    if (unended > MAX_LINE_CHARACTERS)
      throw new Fault('upstream_failed', 'The model server sent an event that does not end.');
    parser.feed(text);
    if (events.length > 0) unended = 0;
    const complete = events;
    events = [];
    for (const event of complete) yield event.data;
  }
}

const toolCallPartSchema = z.object({
  index: z.number().default(0),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});

const partSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
            tool_calls: z.array(toolCallPartSchema).nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});

function parsePart(data: string): z.infer<typeof partSchema> {
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch (error) {
    throw new Fault('upstream_failed', 'The model server sent an event that is not JSON.', { cause: error });
  }
  if (typeof json === 'object' && json !== null && 'error' in json)
    throw new Fault(
      'upstream_failed',
      `The model server failed in the middle of the answer: ${errorTextOf(json) ?? 'it did not say why'}`,
    );
  const part = partSchema.safeParse(json);
  if (part.success) return part.data;
  throw new Fault('upstream_failed', 'The model server sent an event of an unknown form.', { cause: part.error });
}

const modelsSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      max_model_len: z.number().nullish(),
      context_length: z.number().nullish(),
      meta: z.object({ size: z.number().nullish(), n_ctx_train: z.number().nullish() }).nullish(),
      architecture: z.object({ input_modalities: z.array(z.string()).nullish() }).nullish(),
      supported_parameters: z.array(z.string()).nullish(),
    }),
  ),
});
