import type { z } from 'zod';
import type { SCHEMAS, SchemaName } from '#lib/openapi/schemas';
import {
  describeSupport,
  type FieldSupportByServer,
  type ModelServerKind,
  OLLAMA_FIELDS,
  OPENAI_FIELDS,
  supportsOption,
} from '#lib/wire/request-field-support';

type Fields<Name extends SchemaName> = Partial<Record<keyof z.input<(typeof SCHEMAS)[Name]> & string, string>>;

/** What becomes of each field, with `meanings` in front. */
function withUses<Name extends string>(
  uses: Readonly<Record<Name, FieldSupportByServer>>,
  meanings: Partial<Record<Name, string>> = {},
): Partial<Record<Name, string>> {
  const told: Partial<Record<Name, string>> = {};
  for (const name of Object.keys(uses) as Name[]) {
    const words = [meanings[name] ?? '', describeSupport(uses[name])].filter((one) => one !== '').join(' ');
    if (words !== '') told[name] = words;
  }
  return told;
}

/** The options that a kind of model server gets. */
function optionsOf(kind: ModelServerKind): string {
  return Object.keys(OLLAMA_FIELDS.Options)
    .filter((name) => supportsOption(kind, name))
    .join(', ');
}

const OPTIONS = `Ollama gets all of them. OpenAI-compatible servers get ${optionsOf('openai')}; the built-in model takes ${optionsOf('embedded')}; the others have no effect there.`;

/** What fields mean, where their names do not say it all. Kept out of lib/wire, which the pages load too. */
export const FIELDS: { [Name in SchemaName]?: Fields<Name> } = {
  ChatRequest: {
    messages: 'Oldest first; the last is not from the assistant.',
    model: 'The model that answers. Left out: OLLAMA_MODEL, or the one that is there.',
    system_prompt:
      'Put in front, unless the messages already start with a system message. Left out: OLLAMA_SYSTEM_PROMPT.',
    stream: 'true: server-sent events. false: one JSON body.',
    use_cache: 'false: neither read the cache, nor join a running twin, nor store the answer.',
    priority: 'Higher runs sooner: one level is worth four turns of a caller. A low one is late and never lost.',
    max_tokens: 'The same as options.num_predict, by the name that other APIs have for it; −1 is no bound.',
    options: `Sampling and context options, by Ollama's names. ${OPTIONS}`,
    think: "Whether, or how hard, a model that can reason does. Left out: the model's own choice.",
    format: '"json", or a JSON Schema that the answer must match.',
    format_details: 'Name, description and strictness of a JSON Schema, for OpenAI-compatible servers.',
    tools: 'Functions that the model may ask for.',
    tool_choice: "none, auto, required, or one tool in OpenAI's form. Ollama knows none and auto.",
    parallel_tool_calls: 'Whether the model may ask for several tools at once. Ollama refuses false.',
    logprobs: 'Whether the answer says how likely its tokens were. The built-in model refuses it.',
    top_logprobs: 'How many other tokens are shown for each place.',
    keep_alive:
      'How long Ollama keeps the model loaded afterwards; no shorter than OLLAMA_KEEP_ALIVE, which is the default.',
    passthrough:
      "Further fields of OpenAI's chat completions, which an OpenAI-compatible server gets as they are; OpenAiRequest says what the others do with each.",
    conversation_id:
      "Keeps this conversation's messages on the server, so that later requests may send only the new one.",
  },
  AttachRequest: {
    request_id: 'A request that was queued or is running; the other fields are then not needed.',
    stream: 'true: server-sent events. false: one JSON body.',
  },
  Message: {
    images: 'Base64, without a data: prefix; line breaks are removed. For models that see.',
    image_detail: 'How closely the images are looked at, on OpenAI-compatible servers.',
    thinking: "An assistant's: its reasoning before this message.",
    name: 'Tells participants of the same role apart, on OpenAI-compatible servers.',
    tool_calls: "An assistant's: what it asked for.",
    tool_name: "A tool's: which tool this is the result of.",
    tool_call_id: "A tool's: which call this is the result of.",
  },
  ChatAnswer: {
    cached: 'Whether it came out of the cache.',
    done_reason: 'stop, length or tool_calls.',
    conversation: 'With a conversation_id: whether its messages were still known.',
  },
  ChatEvent: {
    done: 'true in exactly one event, the last.',
    queue_position: 'From 1. Sent at once and whenever it changes; skipped where there is nothing to wait for.',
    estimated_wait_time: 'Milliseconds, from measured run times.',
    thinking: 'Reasoning, as it comes.',
    content: 'Text, as it comes.',
    error: 'With done: the answer failed after it had begun.',
    request_id:
      'Of this request: while it waits, when it is done, and with shutting_down, after which it has to be sent again.',
  },
  Timings: {
    queued_ms: 'Milliseconds until the model began.',
    first_token_ms: 'Milliseconds until the first token; null where none came.',
    total_ms: 'Milliseconds in all.',
  },
  QueueEntry: {
    queue_position: 'From 1; 0 is not waiting.',
    estimated_wait_time: 'Milliseconds, from measured run times.',
    message: 'The answer, once it is complete.',
    created_at: 'ISO 8601.',
  },
  QueueOverview: {
    pending: 'In the order in which they will run. Ids of other callers are not shown where keys are in use.',
    average_processing_time_ms: 'Moving average.',
  },
  Models: { notice: 'A sentence where the small built-in model answers, and how to get a better one.' },
  Model: {
    size_bytes: 'Null where the provider does not say.',
    context_length: 'Tokens. Null where the provider does not say.',
    loaded: 'Whether it answers without being loaded first.',
  },
  CodeRequest: {
    language: 'python, javascript, typescript, java, cpp, go or rust; also py, js, node, ts, c++, golang, rs.',
    code: 'At most CODE_MAX_BYTES (50,000), files included.',
    timeout: 'Seconds of wall time, at most CODE_MAX_TIMEOUT_SECONDS (60). Left out: CODE_TIMEOUT_SECONDS (10).',
    files: 'More files beside the program.',
    args: 'Command-line arguments.',
  },
  CodeResult: {
    exit_code: '−1 where there is none, 128 + n where signal n ended it.',
    error: 'Null where the program ended by itself, with 0 or not; otherwise a sentence.',
    stage: 'How far it came.',
    truncated: 'Whether output was cut at CODE_MAX_OUTPUT_BYTES.',
    compile: "The compiler's own output, where there is a compiler.",
    memory_kb: 'The most that it held, all its processes together.',
  },
  RunnerHealth: {
    sandbox: 'The tier in force: bubblewrap, gvisor, none or unavailable.',
    versions: 'Of each language.',
    notices: 'What to do where the sandbox or a language is missing.',
  },
  ExecuteRequest: {
    input_data: 'Standard input. Also inputData.',
    timeout: 'Seconds of wall time.',
  },
  ExecuteResult: {
    error: 'What the program or its compiler complained of; empty where it ended with 0.',
    executionTime: "Seconds, the compiler's with the program's.",
  },
  ExecutorHealth: {
    version: 'Null where it is not installed.',
    notice: 'What to do where it is not available.',
  },
  CacheStats: {
    hit_rate: 'A fraction, 0 to 1.',
    miss_rate: 'A fraction, 0 to 1.',
    memory_usage_percent: 'Of its bound.',
    total_size_mb: 'Keys and values.',
  },
  BatchStats: {
    cache_hit_rate: 'Whole per cents.',
    deduplication_rate: 'Whole per cents.',
  },
  StatsAction: { data: 'For warm_model: which one, instead of the default.' },
  Session: { needed: 'false where the server has no keys: everyone is signed in.' },
  OpenAiRequest: withUses(OPENAI_FIELDS.ChatCompletionCreateParamsBase, {
    max_completion_tokens: 'An OpenAI-compatible server gets it by this name.',
    reasoning_effort: 'For models that reason.',
    logprobs: 'Returned with the text that they are of, and kept in the cache.',
  }),
  OpenAiMessage: withUses(OPENAI_FIELDS.ChatCompletionAssistantMessageParam),
  OllamaChat: withUses(OLLAMA_FIELDS.ChatRequest, {
    messages: 'Without any, the model is loaded.',
    options: OPTIONS,
    keep_alive: 'Less than 1 s without messages is refused.',
    stream: 'Left out: true.',
  }),
  OllamaGenerate: withUses(OLLAMA_FIELDS.GenerateRequest, {
    prompt: 'Without one, the model is loaded.',
    options: OPTIONS,
    keep_alive: 'Less than 1 s without a prompt is refused.',
    suffix: 'Every prompt goes through the chat template.',
    stream: 'Left out: true.',
  }),
  OllamaShow: { model: 'Also `name`, as older clients call it.' },
  Error: {
    error: 'A sentence that a person can act on.',
    code: 'Stable, for programs.',
    details: 'Each field that is not valid.',
  },
};
