import type { ProviderId } from '#lib/wire/models';
import type { PassthroughField } from '#lib/wire/passthrough';

/**
 * Support matrix: how each kind of model server supports every field of a chat request. Providers
 * refuse and report fields by it, and the API reference is generated from it. A test compares it
 * with the types of the official SDKs and with the requests that reach a model server.
 *
 * - `passed`: the model server gets it, in its own format.
 * - `here`: this server implements it.
 * - `refused`: 400 or 422 that names it. Null, and values without effect (`n: 1`), are accepted.
 * - `no effect`: accepted, and named in the response header `X-Ignored-Fields`.
 */
export type FieldSupport = 'passed' | 'here' | 'refused' | 'no effect';

export interface FieldSupportByServer {
  readonly openai: FieldSupport;
  readonly ollama: FieldSupport;
  readonly embedded: FieldSupport;
  /** A sentence for the API reference. */
  readonly note?: string;
}

export type ModelServerKind = ProviderId;

export const support = (
  openai: FieldSupport,
  ollama: FieldSupport,
  embedded: FieldSupport,
  note?: string,
): FieldSupportByServer => ({
  openai,
  ollama,
  embedded,
  ...(note === undefined ? {} : { note }),
});
export const passed = (note?: string) => support('passed', 'passed', 'passed', note);
export const here = (note?: string) => support('here', 'here', 'here', note);
export const refused = (note?: string) => support('refused', 'refused', 'refused', note);
export const noEffect = (note?: string) => support('no effect', 'no effect', 'no effect', note);
/** Changes the output, so the other servers must not ignore it silently. */
const openAiOnly = (note?: string) => support('passed', 'refused', 'refused', note);
/** Changes cost, speed, storage or tone, or labels a request: the output is right without it. */
export const openAiHint = (note?: string) => support('passed', 'no effect', 'no effect', note);
export const notBuiltIn = (note?: string) => support('passed', 'passed', 'refused', note);
/** Changes the output, so the other servers must not ignore it silently. */
const ollamaOnlyOrRefused = (note?: string) => support('refused', 'passed', 'refused', note);
const ollamaOnly = (note?: string) => support('no effect', 'passed', 'no effect', note);

export type FieldTable = Readonly<Record<string, FieldSupportByServer>>;

/** For the tables of other APIs. */
export const fieldSupport = { support, passed, here, refused, noEffect, notBuiltIn, ollamaOnly };

/** Support of the fields in `passthrough.ts`. */
export const PASSTHROUGH_SUPPORT = {
  logit_bias: openAiOnly(),
  max_completion_tokens: passed(),
  metadata: openAiHint(),
  modalities: openAiHint('Only `["text"]`.'),
  prediction: openAiHint(),
  prompt_cache_key: openAiHint(),
  prompt_cache_options: openAiHint(),
  prompt_cache_retention: openAiHint(),
  reasoning_effort: support(
    'passed',
    'passed',
    'no effect',
    'To Ollama as `think`: `none` is false, `minimal` is low, `xhigh` and `max` are high. The built-in model knows `none` only.',
  ),
  safety_identifier: openAiHint(),
  service_tier: openAiHint(),
  store: openAiHint(),
  user: openAiHint(),
  verbosity: openAiHint(),
  web_search_options: openAiOnly('Annotations of the answer are not returned.'),
  bad_words: openAiOnly(),
  cache_prompt: openAiHint(),
  chat_template_kwargs: openAiOnly('`enable_thinking` or `thinking` alone is passed to every server, as `think`.'),
  dry_allowed_length: openAiOnly(),
  dry_base: openAiOnly(),
  dry_multiplier: openAiOnly(),
  grammar: openAiOnly(),
  guided_choice: openAiOnly(),
  guided_grammar: openAiOnly(),
  guided_json: openAiOnly(),
  guided_regex: openAiOnly(),
  ignore_eos: openAiOnly(),
  include_reasoning: openAiHint(),
  include_stop_str_in_output: openAiOnly(),
  length_penalty: openAiOnly(),
  min_tokens: openAiOnly(),
  n_indent: openAiHint(),
  provider: openAiHint(),
  reasoning: openAiOnly(),
  samplers: openAiHint('The order of llama.cpp’s samplers.'),
  separate_reasoning: openAiHint(),
  skip_special_tokens: openAiOnly(),
  stop_token_ids: openAiOnly(),
  structured_outputs: openAiOnly(),
  t_max_predict_ms: openAiHint(),
  t_max_prompt_ms: openAiHint(),
  top_a: openAiOnly(),
  typical_p: support('passed', 'passed', 'refused'),
  xtc_probability: openAiOnly(),
  xtc_threshold: openAiOnly(),
} as const satisfies Record<PassthroughField, FieldSupportByServer>;

export const TOOL_CHOICE = support(
  'passed',
  'refused',
  'refused',
  '`auto` and `none` work everywhere; what forces a call is refused.',
);
export const PARALLEL = support('passed', 'refused', 'refused', 'Only `false` with tools is refused.');
export const LOGPROBS = notBuiltIn();
export const KEEP_ALIVE = ollamaOnly(
  'A model is kept no shorter than OLLAMA_KEEP_ALIVE, since others may be using it: less has no effect.',
);
/** Fields of this server's own. */
export const OWN_FIELDS = { cache: here(), drop_params: here() } satisfies FieldTable;
/** The built-in model reads no tool calls, and all of `tool_calls` is reported. */
export const IN_CALL = support('passed', 'passed', 'no effect');

/** Fields of the `openai` SDK's requests, by its type names. */
export const OPENAI_FIELDS = {
  ChatCompletionCreateParamsBase: {
    ...PASSTHROUGH_SUPPORT,
    messages: passed(),
    model: passed(),
    audio: refused(),
    frequency_penalty: passed(),
    function_call: refused('Use `tool_choice`.'),
    functions: refused('Use `tools`.'),
    logprobs: LOGPROBS,
    max_tokens: passed('−1 is no bound.'),
    moderation: refused(),
    n: here('At most 8. Each choice is a generation; with a seed, that of choice i is seed + i.'),
    parallel_tool_calls: PARALLEL,
    presence_penalty: passed(),
    response_format: passed(),
    seed: passed(),
    stop: passed(),
    stream: here(),
    stream_options: here('`include_usage`.'),
    temperature: passed(),
    tool_choice: TOOL_CHOICE,
    tools: notBuiltIn(),
    top_logprobs: LOGPROBS,
    top_p: passed(),
    // Added by vLLM, llama.cpp and OpenRouter.
    top_k: passed(),
    min_p: passed(),
    repeat_penalty: passed('To an OpenAI-compatible server as `repetition_penalty` too.'),
    repetition_penalty: passed('To an OpenAI-compatible server as `repeat_penalty` too.'),
    keep_alive: KEEP_ALIVE,
    best_of: refused('Only the same as `n`.'),
    ...OWN_FIELDS,
  },
  ChatCompletionStreamOptions: { include_obfuscation: noEffect(), include_usage: here() },
  ChatCompletionDeveloperMessageParam: {
    content: passed(),
    role: passed('As `system`.'),
    name: openAiHint(),
  },
  ChatCompletionSystemMessageParam: { content: passed(), role: passed(), name: openAiHint() },
  ChatCompletionUserMessageParam: { content: passed(), role: passed(), name: openAiHint() },
  ChatCompletionAssistantMessageParam: {
    role: passed(),
    audio: refused(),
    content: passed(),
    function_call: refused('Use `tool_calls`.'),
    name: openAiHint(),
    refusal: passed('As the content, if that is missing.'),
    tool_calls: support('passed', 'passed', 'no effect'),
    reasoning_content: support('passed', 'passed', 'no effect'),
  },
  ChatCompletionToolMessageParam: {
    content: passed(),
    role: passed(),
    tool_call_id: support('passed', 'passed', 'no effect'),
  },
  ChatCompletionFunctionMessageParam: { content: refused(), name: refused(), role: refused('Use the role `tool`.') },
  ChatCompletionContentPartText: { text: passed(), type: passed(), prompt_cache_breakpoint: noEffect() },
  ChatCompletionContentPartImage: {
    image_url: notBuiltIn('A data URL; images are not fetched from elsewhere.'),
    type: passed(),
    prompt_cache_breakpoint: noEffect(),
  },
  'ChatCompletionContentPartImage.ImageURL': { url: notBuiltIn(), detail: support('passed', 'no effect', 'refused') },
  ChatCompletionContentPartInputAudio: { input_audio: refused(), type: refused(), prompt_cache_breakpoint: refused() },
  'ChatCompletionContentPart.File': { file: refused(), type: refused(), prompt_cache_breakpoint: refused() },
  ChatCompletionContentPartRefusal: { refusal: passed('As text.'), type: passed() },
  ChatCompletionMessageFunctionToolCall: { id: IN_CALL, function: IN_CALL, type: IN_CALL },
  'ChatCompletionMessageFunctionToolCall.Function': { arguments: IN_CALL, name: IN_CALL },
  ChatCompletionMessageCustomToolCall: { id: refused(), custom: refused(), type: refused() },
  ChatCompletionFunctionTool: { function: notBuiltIn(), type: notBuiltIn() },
  FunctionDefinition: {
    name: notBuiltIn(),
    description: notBuiltIn(),
    parameters: notBuiltIn(),
    strict: support('passed', 'no effect', 'refused'),
  },
  ChatCompletionCustomTool: { custom: refused(), type: refused() },
  ResponseFormatText: { type: passed() },
  ResponseFormatJSONObject: { type: passed() },
  ResponseFormatJSONSchema: { type: passed(), json_schema: passed() },
  'ResponseFormatJSONSchema.JSONSchema': {
    name: support('passed', 'here', 'here', 'A label, which the others do not need.'),
    description: openAiHint(),
    schema: passed(),
    strict: support('passed', 'here', 'here', 'The others always hold to the schema.'),
  },
} as const satisfies Record<string, FieldTable>;

const OLLAMA_REQUEST = {
  model: passed(),
  stream: here(),
  format: passed(),
  keep_alive: KEEP_ALIVE,
  think: support(
    'passed',
    'passed',
    'no effect',
    'An OpenAI-compatible server gets an effort; true and false have no effect there. The built-in model knows `false` only.',
  ),
  logprobs: LOGPROBS,
  top_logprobs: LOGPROBS,
  options: passed(),
  truncate: ollamaOnly('false refuses a conversation that is longer than the context.'),
  shift: ollamaOnly('false ends a response at the end of the context.'),
  ...OWN_FIELDS,
} satisfies FieldTable;

/** Fields of the `ollama` SDK's requests, by its type names. */
export const OLLAMA_FIELDS = {
  ChatRequest: { ...OLLAMA_REQUEST, messages: passed(), tools: notBuiltIn() },
  GenerateRequest: {
    ...OLLAMA_REQUEST,
    prompt: passed(),
    system: passed(),
    images: notBuiltIn(),
    suffix: passed('Refused by a model that cannot fill in the middle. Not with `raw`.'),
    template: ollamaOnlyOrRefused('Not with `raw`.'),
    raw: passed('The prompt is continued without a template.'),
    context: ollamaOnlyOrRefused('Of an earlier response of Ollama. Elsewhere use /api/chat. Not with `raw`.'),
    width: refused(),
    height: refused(),
    steps: refused(),
  },
  Message: {
    role: passed(),
    content: passed(),
    thinking: support('passed', 'passed', 'no effect'),
    images: notBuiltIn(),
    tool_calls: support('passed', 'passed', 'no effect'),
    tool_name: support('passed', 'passed', 'no effect'),
  },
  ToolCall: { function: IN_CALL },
  'ToolCall.function': { name: IN_CALL, arguments: IN_CALL },
  Tool: { type: notBuiltIn(), function: notBuiltIn() },
  'Tool.function': {
    name: notBuiltIn(),
    type: support('no effect', 'no effect', 'refused'),
    description: notBuiltIn(),
    parameters: notBuiltIn(),
  },
  Options: {
    num_ctx: ollamaOnly(),
    numa: ollamaOnly(),
    num_batch: ollamaOnly(),
    num_gpu: ollamaOnly(),
    main_gpu: ollamaOnly(),
    low_vram: ollamaOnly(),
    f16_kv: ollamaOnly(),
    logits_all: ollamaOnly(),
    vocab_only: ollamaOnly(),
    use_mmap: ollamaOnly(),
    use_mlock: ollamaOnly(),
    embedding_only: ollamaOnly(),
    num_thread: ollamaOnly(),
    num_keep: ollamaOnly(),
    seed: passed(),
    num_predict: passed(),
    top_k: passed(),
    top_p: passed(),
    min_p: passed(),
    tfs_z: ollamaOnly(),
    typical_p: ollamaOnly(),
    repeat_last_n: support('no effect', 'passed', 'passed'),
    temperature: passed(),
    repeat_penalty: passed(),
    presence_penalty: passed(),
    frequency_penalty: passed(),
    mirostat: ollamaOnly(),
    mirostat_tau: ollamaOnly(),
    mirostat_eta: ollamaOnly(),
    penalize_newline: support('no effect', 'passed', 'passed'),
    stop: passed(),
  },
} as const satisfies Record<string, FieldTable>;

/** Whether a kind of server gets an option. Names that are not listed are newer ones of Ollama. */
export function supportsOption(server: ModelServerKind, name: string): boolean {
  const known: Readonly<Record<string, FieldSupportByServer>> = OLLAMA_FIELDS.Options;
  return server === 'ollama' || (Object.hasOwn(known, name) && known[name]?.[server] === 'passed');
}

const NAMES: Record<ModelServerKind, string> = {
  openai: 'OpenAI-compatible servers',
  ollama: 'Ollama',
  embedded: 'the built-in model',
};

/** Support of a field as sentences, empty if every server gets it and the field has no note. */
export function describeSupport(field: FieldSupportByServer): string {
  const kinds = ['openai', 'ollama', 'embedded'] as const;
  const sentences = (['refused', 'no effect'] as const).flatMap((use) => {
    const those = kinds.filter((kind) => field[kind] === use);
    if (those.length === 0) return [];
    const verb = use === 'refused' ? 'Rejected' : 'No effect';
    return [
      those.length === kinds.length ? `${verb}.` : `${verb} with ${those.map((kind) => NAMES[kind]).join(' and ')}.`,
    ];
  });
  return [...sentences, ...(field.note === undefined ? [] : [field.note])].join(' ');
}

/**
 * Descriptions of the fields of a request: `meanings`, followed by how the model servers support
 * each field.
 */
export function describeSupportOf<Name extends string>(
  table: Readonly<Record<Name, FieldSupportByServer>>,
  meanings: Partial<Record<Name, string>> = {},
): Partial<Record<Name, string>> {
  const descriptions: Partial<Record<Name, string>> = {};
  for (const name of Object.keys(table) as Name[]) {
    const sentences = [meanings[name] ?? '', describeSupport(table[name])].filter((sentence) => sentence !== '');
    if (sentences.length > 0) descriptions[name] = sentences.join(' ');
  }
  return descriptions;
}

/** The names of the options that a kind of server gets. */
export function supportedOptions(server: ModelServerKind): string[] {
  return Object.keys(OLLAMA_FIELDS.Options).filter((name) => supportsOption(server, name));
}

function optionsOf(server: ModelServerKind): string {
  return supportedOptions(server).join(', ');
}

/** Which options each kind of model server gets, as sentences of the API reference. */
export const OPTION_SUPPORT = `Ollama gets all of them. OpenAI-compatible servers get ${optionsOf('openai')}; the built-in model takes ${optionsOf('embedded')}; the others have no effect there.`;
