import { z } from 'zod';
import {
  lenientObject,
  lenientPositiveInt,
  lenientText,
  lenientTexts,
  nameSchema,
  strictList,
} from '#lib/models/lenient-schemas';

/** What a server of OpenAI's API says of one of its models. */
export interface ListedModel {
  id: string;
  /** The server's or the model's maker, as the server writes it. */
  owner: string | undefined;
  sizeBytes: number | undefined;
  /** Tokens that the model was made for. */
  contextLength: number | undefined;
  /** Tokens that the server gives to one conversation, where it says so. */
  usableContextLength: number | undefined;
  thinking: boolean;
  /** Undefined if the server does not say. */
  vision: boolean | undefined;
  tools: boolean;
}

/**
 * Capabilities by their names: a list of those that a model has (LM Studio, llama.cpp), or names
 * with a boolean (Mistral, Azure) or an object that has `supported` (Anthropic).
 */
const capabilitiesSchema = z
  .union([
    z.array(z.unknown()).transform((names) => new Map(names.map((name) => [name, true]))),
    z
      .record(z.string(), z.unknown())
      .transform((named) => new Map(Object.entries(named).map(([name, value]) => [name, isSupported(value)]))),
  ])
  .optional()
  .catch(undefined)
  .transform((capabilities): ReadonlyMap<unknown, boolean> => capabilities ?? new Map());

function isSupported(value: unknown): boolean {
  return (
    value === true || (typeof value === 'object' && value !== null && 'supported' in value && value.supported === true)
  );
}

const VISION = ['vision', 'multimodal', 'image_input'];
const TOOLS = ['tools', 'tool_use', 'function_calling'];
const THINKING = ['reasoning', 'thinking'];
/** One type has images, so that the others have none. */
const LM_STUDIO_TYPES: ReadonlySet<string | undefined> = new Set(['llm', 'vlm', 'embeddings']);

const entrySchema = z
  .object({
    id: nameSchema.optional().catch(undefined),
    /** In a list that is called `models`, as Ollama and llama.cpp write one. */
    model: nameSchema.optional().catch(undefined),
    owned_by: lenientText,
    /** LM Studio: `llm`, `vlm` or `embeddings`. */
    type: z.string().optional().catch(undefined),
    capabilities: capabilitiesSchema,
    /** OpenRouter. */
    architecture: lenientObject({ input_modalities: z.array(z.string()).optional().catch(undefined) }),
    supported_parameters: lenientTexts,
    top_provider: lenientObject({ context_length: lenientPositiveInt }),
    /** llama.cpp. */
    meta: lenientObject({ size: lenientPositiveInt, n_ctx: lenientPositiveInt, n_ctx_train: lenientPositiveInt }),
    /** vLLM and SGLang. */
    max_model_len: lenientPositiveInt,
    /** OpenRouter and Together. */
    context_length: lenientPositiveInt,
    /** LM Studio and Mistral. */
    max_context_length: lenientPositiveInt,
    /** LM Studio. */
    loaded_context_length: lenientPositiveInt,
    /** Groq. */
    context_window: lenientPositiveInt,
    /** Anthropic and LiteLLM. */
    max_input_tokens: lenientPositiveInt,
  })
  .transform((entry): ListedModel | undefined => {
    const { meta, top_provider: provider, capabilities, supported_parameters: parameters } = entry;
    const id = entry.id ?? entry.model;
    if (id === undefined) return undefined;
    const has = (names: readonly string[]) => names.some((name) => capabilities.get(name) === true);
    const contextLength =
      entry.max_model_len ??
      entry.max_context_length ??
      entry.context_length ??
      entry.context_window ??
      entry.max_input_tokens ??
      meta?.n_ctx_train ??
      meta?.n_ctx;
    const input = entry.architecture?.input_modalities;
    const saysVision = LM_STUDIO_TYPES.has(entry.type) || VISION.some((name) => capabilities.has(name));
    return {
      id,
      owner: entry.owned_by,
      sizeBytes: meta?.size,
      contextLength,
      usableContextLength: entry.loaded_context_length ?? meta?.n_ctx ?? provider?.context_length ?? contextLength,
      thinking: parameters.includes('reasoning') || has(THINKING),
      vision: input?.includes('image') ?? (saysVision ? has(VISION) || entry.type === 'vlm' : undefined),
      tools: parameters.includes('tools') || has(TOOLS),
    };
  });

const entriesSchema = strictList(entrySchema).transform((entries) => entries.filter((entry) => entry !== undefined));

/** Together sends the bare list. Go encodes an empty list as null. */
const listSchema = z.union([
  z.object({ data: entriesSchema.nullable() }).transform(({ data }) => data ?? []),
  z.object({ models: entriesSchema.nullable() }).transform(({ models }) => models ?? []),
  entriesSchema,
]);

/** Undefined if `body` is no list of models. */
export function readModelList(body: unknown): ListedModel[] | undefined {
  const parsed = listSchema.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}
