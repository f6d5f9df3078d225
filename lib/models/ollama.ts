import pLimit from 'p-limit';
import { z } from 'zod';
import { Fault } from '#lib/fault';
import { decodeText, splitLines } from '#lib/models/lines';
import type { ModelEvent, ModelProvider, ModelRequest } from '#lib/models/provider';
import { splitThinking } from '#lib/models/thinking';
import { errorTextOf, type Refuse, showable, Upstream } from '#lib/models/upstream';
import { type Message, toolCallSchema } from '#lib/wire/chat';
import type { ModelInfo } from '#lib/wire/models';

export interface OllamaOptions {
  url: string;
  /** Seconds, or a Go duration. */
  keepAlive: number | string;
}

/** Looks at a model's details cost Ollama a file read each. */
const DETAILS_AT_A_TIME = 4;

/**
 * Ollama, by its native API: its OpenAI route drops `num_ctx` and `think` and loses errors in mid-stream.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */
export class OllamaProvider implements ModelProvider {
  readonly id: 'ollama' = 'ollama';
  readonly #upstream: Upstream;
  readonly #keepAlive: number | string;
  /** By digest, which changes when a model does. */
  readonly #details = new Map<string, Details>();

  constructor({ url, keepAlive }: OllamaOptions) {
    this.#keepAlive = keepAlive;
    this.#upstream = new Upstream({
      name: 'Ollama',
      url,
      advice: 'Start it with `ollama serve`, or correct OLLAMA_API_URL.',
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
      messages: request.messages.map(ollamaMessage),
      stream: true,
      options: request.options,
      keep_alive: this.#keepAlive,
      think: request.think,
      format: request.format,
      tools: request.tools,
    };
    let done = false;
    const bytes = this.#upstream.stream(
      { method: 'POST', path: '/api/chat', body, signal },
      refuse(request.model),
      () => done,
    );
    for await (const line of splitLines(decodeText(bytes))) {
      const part = parsePart(line);
      if (part.error !== undefined)
        throw new Fault('upstream_failed', `Ollama failed in the middle of the answer: ${showable(part.error)}`);
      if (part.message?.thinking) yield { type: 'thinking', text: part.message.thinking };
      if (part.message?.content) yield { type: 'content', text: part.message.content };
      if (part.message?.tool_calls?.length) yield { type: 'tool_calls', tool_calls: part.message.tool_calls };
      if (part.done === true) {
        done = true;
        yield {
          type: 'done',
          done_reason: part.done_reason ?? 'stop',
          usage: { prompt_tokens: part.prompt_eval_count ?? 0, completion_tokens: part.eval_count ?? 0 },
        };
        return;
      }
    }
    throw new Fault('upstream_truncated', 'Ollama ended its answer before it was done.');
  }

  async models(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]> {
    const [tags, running] = await Promise.all([
      this.#get('/api/tags', tagsSchema, signal),
      this.#get('/api/ps', runningSchema, signal),
    ]);
    const loaded = new Set(running.models.map((model) => model.name));
    const limit = pLimit(DETAILS_AT_A_TIME);
    const models = await Promise.all(
      tags.models.map((model) =>
        limit(async () => {
          const details = await this.#detailsOf(model.name, model.digest, signal);
          return {
            id: model.name,
            provider: this.id,
            size_bytes: model.size ?? null,
            parameter_size: model.details?.parameter_size || null,
            quantization: model.details?.quantization_level || null,
            ...details,
            loaded: loaded.has(model.name),
          };
        }),
      ),
    );
    const digests = new Set(tags.models.map((model) => model.digest));
    for (const digest of this.#details.keys()) if (!digests.has(digest)) this.#details.delete(digest);
    return models;
  }

  async load(model: string, signal: AbortSignal): Promise<{ load_duration_ms: number }> {
    const startedAt = performance.now();
    const body = { model, messages: [], stream: false, keep_alive: this.#keepAlive };
    try {
      const answer = await this.#upstream.json({ method: 'POST', path: '/api/chat', body, signal }, refuse(model));
      const told = errorTextOf(answer);
      if (told !== undefined) throw new Fault('model_load_failed', `Ollama could not load ${model}: ${told}`);
    } catch (error) {
      if (Fault.is(error) && (error.code === 'upstream_failed' || error.code === 'unsupported_value'))
        throw new Fault('model_load_failed', `The model ${model} could not be loaded. ${error.message}`, {
          cause: error,
        });
      throw error;
    }
    return { load_duration_ms: Math.round(performance.now() - startedAt) };
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#get('/api/version', z.object({ version: z.string() }), signal);
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }

  async #detailsOf(model: string, digest: string, signal: AbortSignal): Promise<Details> {
    const known = this.#details.get(digest);
    if (known !== undefined) return known;
    const answer = await this.#upstream
      .json({ method: 'POST', path: '/api/show', body: { model }, signal })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        // It may have been removed since it was listed; one bad model must not hide the others.
        if (Fault.is(error) && error.code !== 'provider_unavailable') return undefined;
        throw error;
      });
    const shown = showSchema.safeParse(answer);
    if (!shown.success) return { context_length: null, capabilities: NO_CAPABILITIES };
    const details = detailsOf(shown.data);
    this.#details.set(digest, details);
    return details;
  }

  async #get<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const parsed = schema.safeParse(await this.#upstream.json({ method: 'GET', path, signal }));
    if (parsed.success) return parsed.data;
    throw new Fault(
      'upstream_failed',
      `What answers at ${this.#upstream.address} is not Ollama; correct OLLAMA_API_URL.`,
    );
  }
}

/** Whether an Ollama answers there. Opens one connection and closes it. */
export async function probeOllama(url: string, signal: AbortSignal): Promise<boolean> {
  const provider = new OllamaProvider({ url, keepAlive: 0 });
  try {
    await provider.check(signal);
    return true;
  } catch {
    return false;
  } finally {
    await provider.close();
  }
}

const refuse =
  (model: string): Refuse =>
  (status) =>
    status === 404
      ? new Fault('model_not_found', `There is no model ${model} in Ollama. Get it with \`ollama pull ${model}\`.`)
      : undefined;

/** Ollama takes base64 without a data URL's head, and tool calls and their results in the form that the wire has too. */
function ollamaMessage({ role, content, images, tool_calls, tool_name, tool_call_id }: Message): Message {
  return {
    role,
    content,
    ...(images === undefined ? {} : { images }),
    ...(tool_calls === undefined ? {} : { tool_calls }),
    ...(tool_name === undefined ? {} : { tool_name }),
    ...(tool_call_id === undefined ? {} : { tool_call_id }),
  };
}

const partSchema = z.object({
  message: z
    .object({
      content: z.string().nullish(),
      thinking: z.string().nullish(),
      tool_calls: z.array(toolCallSchema).nullish(),
    })
    .nullish(),
  done: z.boolean().optional(),
  done_reason: z.string().optional(),
  prompt_eval_count: z.number().optional(),
  eval_count: z.number().optional(),
  error: z.string().optional(),
});

function parsePart(line: string): z.infer<typeof partSchema> {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    throw new Fault('upstream_failed', 'Ollama sent a line that is not JSON.', { cause: error });
  }
  const part = partSchema.safeParse(json);
  if (part.success) return part.data;
  throw new Fault('upstream_failed', 'Ollama sent a line of an unknown form.', { cause: part.error });
}

const tagsSchema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      digest: z.string(),
      size: z.number().optional(),
      details: z.object({ parameter_size: z.string().optional(), quantization_level: z.string().optional() }).nullish(),
    }),
  ),
});

const runningSchema = z.object({ models: z.array(z.object({ name: z.string() })) });

const showSchema = z.object({
  capabilities: z.array(z.string()).nullish(),
  model_info: z.record(z.string(), z.unknown()).nullish(),
});

type Details = Pick<ModelInfo, 'context_length' | 'capabilities'>;

const NO_CAPABILITIES = { thinking: false, vision: false, tools: false };

function detailsOf({ capabilities, model_info }: z.infer<typeof showSchema>): Details {
  const architecture = model_info?.['general.architecture'];
  const context = typeof architecture === 'string' ? model_info?.[`${architecture}.context_length`] : undefined;
  const has = (capability: string) => capabilities?.includes(capability) ?? false;
  return {
    context_length: typeof context === 'number' ? context : null,
    capabilities: { thinking: has('thinking'), vision: has('vision'), tools: has('tools') },
  };
}
