import type { Generation } from '#lib/chat/generation/in-flight';
import { tracer } from '#lib/telemetry/tracing';

/** What became of a run, once it has ended, as spans of the request that began it: its wait, the model's call, the first token. */
export function recordGenerationSpans(
  { id, model, provider, state, createdAt, startedAt, firstTokenAt }: Generation,
  endedAt: number,
): void {
  const traces = tracer();
  if (traces === undefined) return;
  traces.recordSpan(id, { name: 'queue', startMs: createdAt, endMs: startedAt ?? endedAt, attributes: {} });
  if (startedAt === undefined) return;
  // Named as in OpenTelemetry's semantic conventions for generative AI.
  const attributes = {
    'gen_ai.request.model': model,
    'gen_ai.provider.name': provider.id,
    'chill_space.outcome': state,
  };
  const call = traces.recordSpan(id, {
    name: `chat ${model}`,
    kind: 'client',
    startMs: startedAt,
    endMs: endedAt,
    attributes,
    failed: state === 'failed',
  });
  if (firstTokenAt !== undefined)
    traces.recordSpan(id, { name: 'first token', startMs: startedAt, endMs: firstTokenAt, attributes: {} }, call);
}
