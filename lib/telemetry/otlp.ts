import { VERSION } from '#lib/config/version';
import type { Span, SpanValue } from '#lib/telemetry/span';

/**
 * Exports spans as OTLP/HTTP with JSON: one POST of one document.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */

export interface Collector {
  /** Without its `/v1/traces`. */
  endpoint: string;
  /** `name=value` each. */
  headers: readonly string[];
  /** The resource attribute `service.name`. */
  serviceName: string;
}

const TIMEOUT_MS = 10_000;
const NS_PER_MS = 1_000_000n;
const KINDS: Record<Span['kind'], number> = { internal: 1, server: 2, client: 3 };
const STATUS_OK = 1;
const STATUS_ERROR = 2;

/** Throws if the collector is unreachable or rejects the spans. */
export async function exportSpans(
  { endpoint, headers, serviceName }: Collector,
  spans: readonly Span[],
): Promise<void> {
  const response = await fetch(`${endpoint}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...Object.fromEntries(headers.map(parseHeader)) },
    body: JSON.stringify(exportRequest(serviceName, spans)),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the collector answered ${response.status}`);
}

/** The OTLP document of `spans`. Pure. */
export function exportRequest(serviceName: string, spans: readonly Span[]) {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ 'service.name': serviceName, 'service.version': VERSION }) },
        scopeSpans: [{ scope: { name: 'chill-space', version: VERSION }, spans: spans.map(spanObject) }],
      },
    ],
  };
}

function spanObject(span: Span) {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    attributes: attributesOf(span.attributes),
    status: { code: span.failed ? STATUS_ERROR : STATUS_OK },
  };
}

/** A string, as protobuf JSON encodes 64-bit integers. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * NS_PER_MS + BigInt(Math.round((ms - whole) * 1e6)));
}

function attributesOf(attributes: Span['attributes']) {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: typedValue(value) }));
}

interface TypedValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
  arrayValue?: { values: { stringValue: string }[] };
}

function typedValue(value: SpanValue): TypedValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'object')
    return 'double' in value
      ? { doubleValue: value.double }
      : { arrayValue: { values: value.map((text) => ({ stringValue: text })) } };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

function parseHeader(header: string): [string, string] {
  const at = header.indexOf('=');
  return at === -1 ? [header.trim(), ''] : [header.slice(0, at).trim(), header.slice(at + 1).trim()];
}
