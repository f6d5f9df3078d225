import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';
import { z } from 'zod';
import { AppError } from '#lib/errors';
import {
  lenientByteCount,
  lenientList,
  lenientObject,
  lenientPositiveInt,
  lenientText,
  lenientWord,
  nameSchema,
  strictList,
} from '#lib/models/lenient-schemas';
import { isSameTaggedModel } from '#lib/models/model-name';
import type { ModelServerClient } from '#lib/models/model-server-client';
import { type ContextWindows, DEFAULT_CONTEXT_TOKENS, type ModelContext } from '#lib/models/ollama/context-window';
import {
  MAX_REMEMBERED_MODELS,
  type ModelDetails,
  SHOW_TIMEOUT_MS,
  SHOWN_TTL_MS,
  type ShownModels,
} from '#lib/models/ollama/shown-models';
import type { ModelInfo } from '#lib/wire/models';

/** Concurrent `/api/show` requests. Each one reads a file in Ollama. */
const CONCURRENT_SHOW_REQUESTS = 4;

/** The models of an Ollama, and the contexts that they have. */
export class ModelList {
  readonly #upstream: ModelServerClient;
  readonly #shown: ShownModels;
  readonly #contexts: ContextWindows;
  readonly #contextByModel = new LRUCache<string, ModelContext>({ max: MAX_REMEMBERED_MODELS, ttl: SHOWN_TTL_MS });

  constructor(upstream: ModelServerClient, shown: ShownModels, contexts: ContextWindows) {
    this.#upstream = upstream;
    this.#shown = shown;
    this.#contexts = contexts;
  }

  async read(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]> {
    const [tags, loaded] = await Promise.all([
      readOllama(this.#upstream, '/api/tags', tagsSchema, signal),
      this.#running(signal),
    ]);
    const limit = pLimit(CONCURRENT_SHOW_REQUESTS);
    const models = await Promise.all(
      tags.models.map((model) =>
        limit(async () => {
          const details = await this.#shown.detailsOf(model.name, model.digest, signal);
          return {
            id: model.name,
            provider: 'ollama' as const,
            size_bytes: model.size ?? null,
            parameter_size: model.details?.parameter_size || null,
            quantization: model.details?.quantization_level || null,
            ...infoOf(details),
            usable_context_length: this.#contexts.usable(details.context_length, details.defaults.num_ctx),
            ...(model.modified_at === undefined ? {} : { modified_at: model.modified_at }),
            ...(model.digest === undefined ? {} : { digest: model.digest }),
            loaded: loaded.has(model.name),
          };
        }),
      ),
    );
    this.#shown.retain(new Set(tags.models.map((model) => model.digest)));
    return models;
  }

  /** Missing figures are Ollama's defaults. Its failure does not fail the response. */
  async contextOf(model: string, signal: AbortSignal): Promise<ModelContext> {
    const known = this.#contextByModel.get(model);
    if (known !== undefined) return known;
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(SHOW_TIMEOUT_MS)]);
    const failed = (error: unknown) => {
      signal.throwIfAborted();
      if (inTime.aborted || AppError.is(error)) return undefined;
      throw error;
    };
    const [shown, running] = await Promise.all([
      this.#shown.show(model, inTime).catch(failed),
      this.#running(inTime).catch(failed),
    ]);
    const limit = shown?.context_length ?? undefined;
    const [, loaded] = [...(running ?? [])].find(([name]) => isSameTaggedModel(name, model)) ?? [];
    const usual = shown?.defaults.num_ctx ?? DEFAULT_CONTEXT_TOKENS;
    const context = { limit, usual: Math.min(usual, limit ?? usual), loaded };
    if (shown !== undefined) this.#contextByModel.set(model, context);
    return context;
  }

  /** The loaded models with their context; empty if the server has no such list. */
  async #running(signal: AbortSignal): Promise<Map<string, number | undefined>> {
    try {
      const running = await readOllama(this.#upstream, '/api/ps', runningSchema, signal);
      return new Map(running.models.map((model) => [model.name, model.context_length]));
    } catch (error) {
      signal.throwIfAborted();
      if (AppError.is(error) && error.code !== 'provider_unavailable') return new Map();
      throw error;
    }
  }
}

/** Reads what only an Ollama sends. Throws for another server. */
export async function readOllama<T>(
  upstream: ModelServerClient,
  path: string,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const parsed = schema.safeParse(await upstream.json({ method: 'GET', path, signal }));
  if (parsed.success) return parsed.data;
  throw upstream.unexpectedServer('is not Ollama; correct OLLAMA_API_URL.');
}

const tagsSchema = z.object({
  // Go writes an empty list as null.
  models: strictList(
    z
      .object({
        name: nameSchema.optional().catch(undefined),
        model: nameSchema.optional().catch(undefined),
        digest: lenientText,
        modified_at: lenientText,
        size: lenientByteCount,
        details: lenientObject({ parameter_size: lenientWord, quantization_level: lenientWord }),
      })
      .transform(({ name, model, ...rest }, context) => {
        const named = name ?? model;
        if (named !== undefined) return { name: named, ...rest };
        context.addIssue('has no name');
        return z.NEVER;
      }),
  )
    .nullable()
    .transform((models) => models ?? []),
});

const runningSchema = z.object({
  models: lenientList(z.object({ name: z.string(), context_length: lenientPositiveInt })),
});

/** The details that a list of models has. */
function infoOf({ defaults, ...info }: ModelDetails) {
  return Object.keys(defaults).length === 0 ? info : { ...info, defaults };
}
