import type { AnswerEvent } from '#lib/chat/answer-log';
import type { Form } from '#lib/chat/answer-reader';
import type { FinishedAnswer } from '#lib/chat/chat-events';
import type { Ticket } from '#lib/chat/in-flight';
import { Fault } from '#lib/fault';
import type { ChatRequest, Message, ModelOptions, Think, ToolCall, Usage } from '#lib/wire/chat';
import type { ErrorBody } from '#lib/wire/error';
import { isNestedTooDeep } from '#lib/wire/json-depth';
import type { ModelInfo } from '#lib/wire/models';
import type { OpenAiMessage, OpenAiRequest } from '#lib/wire/openai-api';

/**
 * OpenAI's chat completions over the pipeline: their request as ours, our answers as theirs.
 * https://platform.openai.com/docs/api-reference/chat
 */

/** Throws `unsupported_value` for what no provider here can do. */
export function fromOpenAi(asked: OpenAiRequest): ChatRequest {
  if (asked.n != null && asked.n !== 1)
    throw new Fault('unsupported_value', 'n must be 1: one answer is given to one request.', {
      details: [{ field: 'n', message: 'must be 1' }],
    });
  const toolNames = new Map<string, string>();
  return {
    messages: asked.messages.map((message, index) => fromMessage(message, index, toolNames)),
    model: asked.model ?? undefined,
    stream: asked.stream ?? false,
    use_cache: true,
    priority: 0,
    options: fromSampling(asked),
    think: fromEffort(asked.reasoning_effort),
    format: fromResponseFormat(asked.response_format),
    tools: asked.tools ?? undefined,
  };
}

/** The answer of a request that has completed, as `chat.completion`. */
export function openAiCompletion(ticket: Ticket, answer: FinishedAnswer) {
  const { content, thinking, tool_calls: toolCalls } = answer;
  return {
    id: completionId(ticket),
    object: 'chat.completion',
    created: createdSeconds(ticket),
    model: answer.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === '' && toolCalls.length > 0 ? null : content,
          refusal: null,
          ...(thinking === '' ? {} : { reasoning_content: thinking }),
          ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map((call, at) => toToolCall(call, ticket, at)) }),
        },
        logprobs: null,
        finish_reason: finishReason(answer.done_reason, toolCalls.length > 0),
      },
    ],
    usage: toUsage(answer.usage),
  };
}

/** The stream of `chat.completion.chunk`s. The queue has no place in it: while a request waits, comments keep the connection. */
export function openAiForm(ticket: Ticket, includeUsage: boolean): Form {
  let toolCalls = 0;
  let begun = false;
  const chunk = (choices: object[], usage?: object) =>
    sse({
      id: completionId(ticket),
      object: 'chat.completion.chunk',
      created: createdSeconds(ticket),
      model: ticket.run.model,
      choices,
      ...(usage === undefined ? (includeUsage ? { usage: null } : {}) : { usage }),
    });
  const delta = (fields: object) => {
    const first = begun ? {} : { role: 'assistant', content: '' };
    begun = true;
    return chunk([{ index: 0, delta: { ...first, ...fields }, logprobs: null, finish_reason: null }]);
  };
  const write = (event: AnswerEvent): string => {
    switch (event.type) {
      case 'status':
        return '';
      case 'content':
        return delta({ content: event.text });
      case 'thinking':
        return delta({ reasoning_content: event.text });
      case 'tool_calls': {
        const from = toolCalls;
        toolCalls += event.tool_calls.length;
        const calls = event.tool_calls.map((call, at) => ({
          index: from + at,
          ...toToolCall(call, ticket, from + at),
        }));
        return delta({ tool_calls: calls });
      }
      case 'error':
        return sse(openAiError({ error: event.fault.message, code: event.fault.code }, 500));
      case 'done': {
        const finish_reason = finishReason(event.done_reason, toolCalls > 0);
        return (
          (begun ? '' : delta({})) +
          chunk([{ index: 0, delta: {}, logprobs: null, finish_reason }]) +
          (includeUsage ? chunk([], toUsage(event.usage)) : '') +
          'data: [DONE]\n\n'
        );
      }
    }
  };
  return { opening: '', heartbeat: ': waiting\n\n', event: write };
}

/** An error as OpenAI's clients read it. */
export function openAiError(body: ErrorBody, status: number) {
  const [first] = body.details ?? [];
  return {
    error: {
      message: body.error,
      type: status === 401 ? 'authentication_error' : status === 429 ? 'rate_limit_error' : kindOf(status),
      param: first?.field ?? null,
      code: body.code,
    },
  };
}

export function openAiModel(model: ModelInfo) {
  // None of the providers tells since when there is a model: the epoch stands for not known, as in other servers.
  return { id: model.id, object: 'model', created: 0, owned_by: model.provider };
}

function kindOf(status: number): string {
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

function fromMessage(message: OpenAiMessage, index: number, toolNames: Map<string, string>): Message {
  const { role, content, tool_calls: toolCalls, tool_call_id: toolCallId } = message;
  const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : (content ?? []);
  const images = parts.flatMap((part) => (part.type === 'image_url' ? [fromDataUrl(part.image_url.url, index)] : []));
  const calls = toolCalls?.map((call) => fromToolCall(call, index)) ?? [];
  for (const call of calls) if (call.id !== undefined) toolNames.set(call.id, call.function.name);
  const toolName = toolCallId == null ? undefined : toolNames.get(toolCallId);
  return {
    role: role === 'developer' ? 'system' : role,
    content: parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n'),
    ...(images.length === 0 ? {} : { images }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(toolCallId == null ? {} : { tool_call_id: toolCallId }),
    ...(toolName === undefined ? {} : { tool_name: toolName }),
  };
}

function fromDataUrl(url: string, index: number): string {
  const data = /^data:image\/[\w.+-]+;base64,([A-Za-z0-9+/]+={0,2})$/.exec(url)?.[1];
  if (data !== undefined) return data;
  const message = 'must be a data URL (data:image/png;base64,…): images are not fetched from elsewhere';
  throw new Fault('unsupported_value', `The image ${message}.`, {
    details: [{ field: `messages.${index}.content`, message }],
  });
}

function fromToolCall(call: NonNullable<OpenAiMessage['tool_calls']>[number], index: number): ToolCall {
  const { name, arguments: written } = call.function;
  try {
    if (isNestedTooDeep(Buffer.from(written))) throw new RangeError('nested too deep');
    const parsed: unknown = JSON.parse(written === '' ? '{}' : written);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return { id: call.id, function: { name, arguments: JSON.parse(JSON.stringify(parsed)) } };
  } catch {
    // Answered below, as any other value that is not an object.
  }
  throw new Fault('invalid_request', 'The arguments of a tool call must be a JSON object, as a string.', {
    details: [{ field: `messages.${index}.tool_calls`, message: 'arguments must be a JSON object' }],
  });
}

function fromSampling(asked: OpenAiRequest): ModelOptions {
  const stop = typeof asked.stop === 'string' ? [asked.stop] : asked.stop;
  const named = {
    temperature: asked.temperature,
    top_p: asked.top_p,
    frequency_penalty: asked.frequency_penalty,
    presence_penalty: asked.presence_penalty,
    seed: asked.seed,
    stop,
    num_predict: asked.max_completion_tokens ?? asked.max_tokens,
  };
  const options: ModelOptions = {};
  for (const [name, value] of Object.entries(named)) if (value != null) options[name] = value;
  return options;
}

function fromEffort(effort: OpenAiRequest['reasoning_effort']): Think | undefined {
  if (effort == null) return undefined;
  if (effort === 'none') return false;
  return effort === 'minimal' ? 'low' : effort === 'xhigh' ? 'high' : effort;
}

function fromResponseFormat(format: OpenAiRequest['response_format']): ChatRequest['format'] {
  if (format == null || format.type === 'text') return undefined;
  return format.type === 'json_object' ? 'json' : (format.json_schema.schema ?? 'json');
}

/** Ids are needed to answer a call; where a provider gives none, its place stands for it. */
function toToolCall(call: ToolCall, ticket: Ticket, at: number) {
  return {
    id: call.id ?? `call_${ticket.run.id}_${at}`,
    type: 'function',
    function: { name: call.function.name, arguments: argumentsText(call.function.arguments) },
  };
}

/** What the model wrote, where that is not JSON. */
function argumentsText(given: ToolCall['function']['arguments']): string {
  return typeof given === 'string' ? given : JSON.stringify(given);
}

function finishReason(doneReason: string, askedForTools: boolean): string {
  if (askedForTools && doneReason !== 'length') return 'tool_calls';
  return doneReason === 'length' || doneReason === 'content_filter' ? doneReason : 'stop';
}

function toUsage({ prompt_tokens, completion_tokens }: Usage) {
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function completionId(ticket: Ticket): string {
  return `chatcmpl-${ticket.id}`;
}

function createdSeconds(ticket: Ticket): number {
  return Math.floor(ticket.createdAt / 1000);
}

function sse(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
