import type { Generation } from '#lib/chat/generation/generation';
import type { Metrics } from '#lib/telemetry/metrics';
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
export function recordGenerationSpans({
  id,
  model,
  provider,
  state,
  createdAt,
  startedAt,
  firstTokenAt,
  finishedAt = createdAt,
}: Generation): void {
  const traces = tracer();
  if (traces === undefined) return;
  traces.recordSpan(id, { name: 'queue', startMs: createdAt, endMs: startedAt ?? finishedAt, attributes: {} });
  if (startedAt === undefined) return;
  const call = traces.recordSpan(id, {
    name: `chat ${model}`,
    kind: 'client',
    startMs: startedAt,
    endMs: finishedAt,
    // Named as in OpenTelemetry's semantic conventions for generative AI.
    attributes: {
      'gen_ai.request.model': model,
      'gen_ai.provider.name': provider?.id ?? '',
      'chill_space.outcome': state,
    },
    failed: state === 'failed',
  });
  if (firstTokenAt !== undefined)
    traces.recordSpan(id, { name: 'first token', startMs: startedAt, endMs: firstTokenAt, attributes: {} }, call);
}
