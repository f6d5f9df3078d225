import type { Generation } from '#lib/chat/generation/generation';
import { type GenAiOperation, genAiAttributes } from '#lib/telemetry/generative-ai';
import type { Metrics } from '#lib/telemetry/metrics';
import type { SpanAttributes } from '#lib/telemetry/span';
import { tracer } from '#lib/telemetry/tracing';

/** Observes the durations and tokens of a finished generation. */
export function recordGenerationMetrics(
  { state, response, startedAt, firstTokenAt, finishedAt }: Generation,
  metrics: Metrics,
): void {
  if (startedAt === undefined || finishedAt === undefined) return;
  metrics.generationDuration.observe({ outcome: state }, (finishedAt - startedAt) / 1000);
  if (response === undefined) return;
  metrics.tokens.inc({ kind: 'prompt' }, response.usage.prompt_tokens);
  metrics.tokens.inc({ kind: 'completion' }, response.usage.completion_tokens);
  if (firstTokenAt !== undefined) metrics.timeToFirstToken.observe((firstTokenAt - startedAt) / 1000);
}

/**
 * Records a finished generation as spans of the request that began it: its wait, the model call
 * and the first token.
 */
export function recordGenerationSpans(generation: Generation): void {
  const traces = tracer();
  if (traces === undefined) return;
  const { id, state, createdAt, startedAt, firstTokenAt, finishedAt = createdAt } = generation;
  traces.recordSpan(id, { name: 'queue', startMs: createdAt, endMs: startedAt ?? finishedAt, attributes: {} });
  if (startedAt === undefined) return;
  const call = traces.recordSpan(id, {
    name: `${operationOf(generation)} ${generation.model}`,
    kind: 'client',
    startMs: startedAt,
    endMs: finishedAt,
    attributes: { ...callAttributes(generation), 'chill_space.outcome': state },
    failed: state === 'failed',
  });
  if (firstTokenAt !== undefined)
    traces.recordSpan(id, { name: 'first token', startMs: startedAt, endMs: firstTokenAt, attributes: {} }, call);
}

function operationOf({ request }: Generation): GenAiOperation {
  return request?.completion === undefined ? 'chat' : 'text_completion';
}

/** Of the call that ended last: an earlier one has failed and was repeated. */
function callAttributes(generation: Generation): SpanAttributes {
  const { id, model, provider, server, request, response, spent, log, state } = generation;
  const { options = {}, format } = request ?? {};
  const usage = response?.usage ?? spent;
  const last = state === 'completed' ? undefined : log.eventAt(log.lastNumber);
  return genAiAttributes({
    operation: operationOf(generation),
    provider: provider?.id,
    model,
    serverUrl: server?.address,
    maxTokens: limitOf(options.num_predict),
    seed: numberOf(options.seed),
    temperature: numberOf(options.temperature),
    topP: numberOf(options.top_p),
    outputType: format === undefined ? undefined : 'json',
    responseId: response && id,
    responseModel: response?.model,
    finishReason: response?.done_reason,
    inputTokens: usage?.prompt_tokens,
    outputTokens: usage?.completion_tokens,
    error: last?.type === 'error' ? last.error.code : undefined,
  });
}

/** A negative number is no limit. */
function limitOf(value: unknown): number | undefined {
  const limit = numberOf(value);
  return limit !== undefined && limit > 0 ? limit : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
