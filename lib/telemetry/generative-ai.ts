import type { SpanAttributes } from '#lib/telemetry/span';
import type { ProviderId } from '#lib/wire/models';

/**
 * Attributes of OpenTelemetry's semantic conventions for generative AI, version 1.37 and later.
 * https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
 */

export type GenAiOperation = 'chat' | 'text_completion' | 'embeddings';

/** What is known of a call of a model. Members without a value have no attribute. */
export interface GenAiCall {
  readonly operation: GenAiOperation;
  readonly provider: ProviderId | undefined;
  readonly model: string;
  /** The model server's address, without credentials. */
  readonly serverUrl?: string | undefined;
  readonly maxTokens?: number | undefined;
  readonly seed?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly outputType?: 'text' | 'json' | undefined;
  readonly conversationId?: string | undefined;
  readonly responseId?: string | undefined;
  readonly responseModel?: string | undefined;
  readonly finishReason?: string | undefined;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** Code of the error with which it ended. */
  readonly error?: string | undefined;
}

export function genAiAttributes(call: GenAiCall): SpanAttributes {
  return defined({
    'gen_ai.operation.name': call.operation,
    'gen_ai.provider.name': call.provider ?? 'unknown',
    'gen_ai.request.model': call.model,
    'gen_ai.request.max_tokens': call.maxTokens,
    'gen_ai.request.seed': call.seed,
    'gen_ai.request.temperature': asDouble(call.temperature),
    'gen_ai.request.top_p': asDouble(call.topP),
    'gen_ai.output.type': call.outputType,
    'gen_ai.conversation.id': call.conversationId,
    'gen_ai.response.id': call.responseId,
    'gen_ai.response.model': call.responseModel,
    'gen_ai.response.finish_reasons': call.finishReason === undefined ? undefined : [call.finishReason],
    'gen_ai.usage.input_tokens': call.inputTokens,
    'gen_ai.usage.output_tokens': call.outputTokens,
    'error.type': call.error,
    ...serverAttributes(call.serverUrl),
  });
}

function serverAttributes(url: string | undefined): Record<string, string | number> {
  const { hostname, port, protocol } = URL.parse(url ?? '') ?? { hostname: '', port: '', protocol: '' };
  if (hostname === '') return {};
  const defaultPort = protocol === 'https:' ? 443 : 80;
  return { 'server.address': hostname, 'server.port': port === '' ? defaultPort : Number(port) };
}

/** The convention has them as doubles, also where the number is whole. */
function asDouble(value: number | undefined): { readonly double: number } | undefined {
  return value === undefined ? undefined : { double: value };
}

function defined(attributes: Readonly<Record<string, SpanAttributes[string] | undefined>>): SpanAttributes {
  const found: Record<string, SpanAttributes[string]> = {};
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) found[name] = value;
  return found;
}
