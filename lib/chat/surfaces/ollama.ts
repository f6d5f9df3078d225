import { createHash } from 'node:crypto';
import type { AnswerEvent } from '#lib/chat/answer-log';
import type { Form } from '#lib/chat/answer-reader';
import type { FinishedAnswer } from '#lib/chat/chat-events';
import type { Ticket } from '#lib/chat/in-flight';
import { Fault } from '#lib/fault';
import type { ChatRequest, Message, ToolCall } from '#lib/wire/chat';
import type { ModelInfo } from '#lib/wire/models';
import type { OllamaChat, OllamaGenerate } from '#lib/wire/ollama-api';

/**
 * Ollama's API over the pipeline: its request as ours, our answers as its.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

/** The version of Ollama's API that is spoken here: its clients ask for it to know what they may use. */
export const OLLAMA_API_VERSION = '0.24.0';

const NS_PER_MS = 1e6;

/** Undefined where there are no messages, which is how a client has a model loaded. */
export function fromOllamaChat(asked: OllamaChat): ChatRequest | undefined {
  if (asked.messages == null || asked.messages.length === 0) return undefined;
  return { ...fromCommon(asked), messages: asked.messages.map(fromMessage), tools: asked.tools ?? undefined };
}

/** Undefined where there is no prompt. Throws `unsupported_value` for what only a bare model can do. */
export function fromOllamaGenerate(asked: OllamaGenerate): ChatRequest | undefined {
  const unsupported = [
    ...(asked.suffix ? ['suffix'] : []),
    ...(asked.template ? ['template'] : []),
    ...(asked.raw ? ['raw'] : []),
    ...(asked.context != null && asked.context.length > 0 ? ['context'] : []),
  ];
  if (unsupported.length > 0)
    throw new Fault(
      'unsupported_value',
      `${unsupported.join(', ')} cannot be used here, where every prompt goes through the model's chat template. Use /api/chat.`,
      { details: unsupported.map((field) => ({ field, message: 'is not supported' })) },
    );
  if (asked.prompt == null || asked.prompt === '') return undefined;
  const images = asked.images == null || asked.images.length === 0 ? {} : { images: asked.images };
  return {
    ...fromCommon(asked),
    messages: [{ role: 'user', content: asked.prompt, ...images }],
    system_prompt: asked.system ?? undefined,
  };
}

/** How an answer's text is put: `/api/chat` wraps it in a message, `/api/generate` does not. */
export type OllamaKind = 'chat' | 'generate';

/** The answer of a request that has completed, as one JSON body. */
export function ollamaAnswer(kind: OllamaKind, ticket: Ticket, answer: FinishedAnswer) {
  return { ...part(kind, ticket.run.model, answer), ...ending(ticket, answer) };
}

/** The stream: JSON, a line each. An empty part is what keeps the connection: the form has no comments. */
export function ollamaForm(kind: OllamaKind, ticket: Ticket): Form {
  const line = (fields: object) => `${JSON.stringify(fields)}\n`;
  const say = (fields: Parts) => line({ ...part(kind, ticket.run.model, fields), done: false });
  const write = (event: AnswerEvent): string => {
    switch (event.type) {
      case 'status':
        return '';
      case 'content':
        return say({ content: event.text });
      case 'thinking':
        return say({ thinking: event.text });
      case 'tool_calls':
        return say({ tool_calls: event.tool_calls });
      case 'error':
        return line({ error: event.fault.message });
      case 'done':
        return line({ ...part(kind, ticket.run.model, {}), ...ending(ticket, event) });
    }
  };
  return { opening: '', heartbeat: say({}), event: write };
}

/** What is said when a model was only loaded. */
export function ollamaLoaded(kind: OllamaKind, model: string) {
  return { ...part(kind, model, {}), done: true, done_reason: 'load' };
}

export function ollamaTag(model: ModelInfo) {
  return {
    name: model.id,
    model: model.id,
    size: model.size_bytes ?? 0,
    // Providers do not tell a digest: this one is of the model's name, and tells models apart as clients expect of it.
    digest: createHash('sha256').update(`${model.provider}/${model.id}`).digest('hex'),
    details: details(model),
  };
}

export function ollamaShown(model: ModelInfo) {
  const { thinking, vision, tools } = model.capabilities;
  return {
    details: details(model),
    // Clients look for the context under the architecture's name, which providers do not tell.
    model_info: {
      'general.architecture': 'unknown',
      ...(model.context_length === null ? {} : { 'unknown.context_length': model.context_length }),
    },
    capabilities: [
      'completion',
      ...(vision ? ['vision'] : []),
      ...(tools ? ['tools'] : []),
      ...(thinking ? ['thinking'] : []),
    ],
  };
}

function fromCommon(asked: OllamaChat | OllamaGenerate): Omit<ChatRequest, 'messages'> {
  return {
    model: asked.model,
    stream: asked.stream ?? true,
    use_cache: true,
    priority: 0,
    options: asked.options ?? {},
    think: asked.think ?? undefined,
    format: asked.format == null || asked.format === '' ? undefined : asked.format,
  };
}

function fromMessage(message: NonNullable<OllamaChat['messages']>[number]): Message {
  const { role, content, images, tool_calls: toolCalls, tool_name: toolName, tool_call_id: toolCallId } = message;
  return {
    role,
    content: content ?? '',
    ...(images == null || images.length === 0 ? {} : { images }),
    ...(toolCalls == null || toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    ...(toolName === undefined ? {} : { tool_name: toolName }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
  };
}

interface Parts {
  content?: string;
  thinking?: string;
  tool_calls?: ToolCall[];
}

function part(kind: OllamaKind, model: string, { content = '', thinking = '', tool_calls = [] }: Parts) {
  const head = { model, created_at: new Date().toISOString() };
  const said = thinking === '' ? {} : { thinking };
  if (kind === 'generate') return { ...head, response: content, ...said };
  const asked = tool_calls.length === 0 ? {} : { tool_calls };
  return { ...head, message: { role: 'assistant', content, ...said, ...asked } };
}

/**
 * Durations are in nanoseconds, as the model server measured them: clients divide tokens by them. What it did not measure
 * is told from the moments seen here, where the time before the first token is the prompt's.
 */
function ending(
  ticket: Ticket,
  { done_reason, usage, durations }: Pick<FinishedAnswer, 'done_reason' | 'usage' | 'durations'>,
) {
  const { queued_ms, first_token_ms, total_ms } = ticket.timings();
  const first = first_token_ms ?? total_ms;
  return {
    done: true,
    done_reason,
    total_duration: Math.round(total_ms * NS_PER_MS),
    load_duration: durations?.load_ns ?? 0,
    prompt_eval_count: usage.prompt_tokens,
    prompt_eval_duration: durations?.prompt_eval_ns ?? Math.round((first - queued_ms) * NS_PER_MS),
    eval_count: usage.completion_tokens,
    eval_duration: durations?.eval_ns ?? Math.round((total_ms - first) * NS_PER_MS),
  };
}

function details(model: ModelInfo) {
  return {
    parent_model: '',
    format: model.provider === 'openai' ? '' : 'gguf',
    family: '',
    families: [],
    parameter_size: model.parameter_size ?? '',
    quantization_level: model.quantization ?? '',
  };
}
