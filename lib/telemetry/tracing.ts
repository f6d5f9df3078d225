import { createHash, randomBytes } from 'node:crypto';
import { config } from '#lib/config/config';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import { currentRequestId, runWithRequestId } from '#lib/telemetry/request-context';
import type { Span } from '#lib/telemetry/span';

/**
 * OpenTelemetry traces, exported to OTEL_EXPORTER_OTLP_ENDPOINT
 * (docs/decisions/0013-own-tracer.md). The trace id and the span id of a request derive from the
 * request id: a UUID's digits are the trace id. So a log line leads to its trace, and no trace
 * context is passed between modules.
 */

export type SpanInput = Pick<Span, 'name' | 'startMs' | 'endMs' | 'attributes'> &
  Partial<Pick<Span, 'kind' | 'failed'>>;

interface TraceContext {
  traceId: string;
  /** The request's own span. */
  spanId: string;
  parentSpanId: string | undefined;
  /** The `trace-flags` of W3C Trace Context: two hexadecimal digits. */
  flags: string;
}

const FLAG_SAMPLED = 1;
/** The flags of a trace that begins here. */
const SAMPLED = '01';
const FLUSH_MS = 5_000;
/** A full batch is exported at once. */
const BATCH_SPANS = 512;
/** Further spans are dropped while the collector is unreachable. */
const MAX_BUFFERED_SPANS = 4_096;
/** Requests in progress that continue the trace of their caller. */
const MAX_CONTINUED_TRACES = 10_000;

export type ExportSpans = (spans: readonly Span[]) => Promise<void>;

/** Buffers the spans of requests, and exports them in batches. */
export class Tracer {
  readonly #exportSpans: ExportSpans;
  readonly #continued = new Map<string, TraceContext>();
  #buffer: Span[] = [];
  #timer: NodeJS.Timeout | undefined;
  #exporting: Promise<void> = Promise.resolve();
  #hasWarned = false;

  constructor(exportSpans: ExportSpans) {
    this.#exportSpans = exportSpans;
  }

  /**
   * Makes a request part of its caller's trace. Without the `sampled` flag, no span of the request
   * is exported. An invalid `traceparent` is ignored. https://www.w3.org/TR/trace-context/
   */
  continueTrace(requestId: string, traceparent: string | null): void {
    const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '');
    const [, traceId, parentSpanId, flags] = found ?? [];
    if (traceId === undefined || parentSpanId === undefined || flags === undefined || /^0+$/.test(traceId)) return;
    this.#continued.set(requestId, { traceId, spanId: spanIdOf(requestId), parentSpanId, flags });
    if (this.#continued.size <= MAX_CONTINUED_TRACES) return;
    const [oldest] = this.#continued.keys();
    if (oldest !== undefined) this.#continued.delete(oldest);
  }

  /** Records the request's own span, the parent of its other spans. */
  recordRequest(requestId: string, input: SpanInput): void {
    const context = this.#contextOf(requestId);
    const { traceId, spanId, parentSpanId } = context;
    this.#add(context, { kind: 'server', failed: false, ...input, traceId, spanId, parentSpanId });
  }

  /**
   * Records the request's own span when its response starts, `elapsedMs` after the request.
   * `route` has bounded cardinality.
   */
  recordHttpRequest(requestId: string, method: string, route: string, status: number, elapsedMs: number): void {
    const endMs = epochMs();
    this.recordRequest(requestId, {
      name: `${method} ${route}`,
      ...{ startMs: endMs - elapsedMs, endMs },
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': status,
        'chill_space.request_id': requestId,
      },
      failed: status >= 500,
    });
  }

  /** Records work within a request. Returns the span's id, to be the parent of spans inside it. */
  recordSpan(requestId: string, input: SpanInput, parentSpanId?: string): string {
    const context = this.#contextOf(requestId);
    const spanId = randomBytes(8).toString('hex');
    this.#add(context, {
      kind: 'internal',
      failed: false,
      ...input,
      traceId: context.traceId,
      spanId,
      parentSpanId: parentSpanId ?? context.spanId,
    });
    return spanId;
  }

  /**
   * The `traceparent` header of upstream calls for a request. It keeps the flags of the caller.
   */
  traceparent(requestId: string): string {
    const { traceId, spanId, flags } = this.#contextOf(requestId);
    return `00-${traceId}-${spanId}-${flags}`;
  }

  /** Exports the buffer. Resolves after the export, whether it succeeded or not. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const spans = this.#buffer;
    this.#buffer = [];
    if (spans.length > 0) this.#exporting = this.#exporting.then(() => this.#export(spans));
    return this.#exporting;
  }

  #contextOf(requestId: string): TraceContext {
    return (
      this.#continued.get(requestId) ?? {
        traceId: traceIdOf(requestId),
        spanId: spanIdOf(requestId),
        parentSpanId: undefined,
        flags: SAMPLED,
      }
    );
  }

  #add({ flags }: TraceContext, span: Span): void {
    if (!isSampled(flags) || this.#buffer.length >= MAX_BUFFERED_SPANS) return;
    this.#buffer.push(span);
    if (this.#buffer.length === BATCH_SPANS) void this.flush();
    else {
      this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
      this.#timer.unref();
    }
  }

  async #export(spans: readonly Span[]): Promise<void> {
    try {
      await this.#exportSpans(spans);
      this.#hasWarned = false;
    } catch (error) {
      // Logged once per outage: a collector that is down must not fill the log.
      if (!this.#hasWarned) log().warn({ err: error }, 'traces could not be sent to OTEL_EXPORTER_OTLP_ENDPOINT');
      this.#hasWarned = true;
    }
  }
}

/**
 * Undefined without OTEL_EXPORTER_OTLP_ENDPOINT: then no span is recorded and no exporter loaded.
 */
export function tracer(): Tracer | undefined {
  return singleton('tracer', () => {
    const settings = config();
    const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
    if (endpoint === undefined) return undefined;
    const collector = {
      endpoint,
      headers: settings.OTEL_EXPORTER_OTLP_HEADERS,
      serviceName: settings.OTEL_SERVICE_NAME,
    };
    const created = new Tracer(async (spans) => {
      const { exportSpans } = await import('#lib/telemetry/otlp');
      await exportSpans(collector, spans);
    });
    onShutdown(() => created.flush());
    return created;
  });
}

/**
 * Propagation headers (`x-request-id`, `traceparent`) for upstream calls made on behalf of the
 * current request. Empty outside of a request.
 */
export function propagationHeaders(): Record<string, string> {
  const requestId = currentRequestId();
  if (requestId === undefined) return {};
  const traceparent = tracer()?.traceparent(requestId);
  return { 'x-request-id': requestId, ...(traceparent === undefined ? {} : { traceparent }) };
}

/**
 * Runs `work` for a request and records its duration as a span. Its upstream calls are propagated.
 * Attributes may be added to the object until `work` ends.
 */
export async function withSpan<T>(
  requestId: string,
  name: string,
  attributes: Span['attributes'],
  work: () => Promise<T>,
  kind: Span['kind'] = 'internal',
): Promise<T> {
  const traces = tracer();
  if (traces === undefined) return await runWithRequestId(requestId, work);
  const startMs = epochMs();
  let failed = true;
  try {
    const result = await runWithRequestId(requestId, work);
    failed = false;
    return result;
  } finally {
    traces.recordSpan(requestId, { name, kind, startMs, endMs: epochMs(), attributes, failed });
  }
}

/** Milliseconds since the epoch, with fractions. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

function isSampled(flags: string): boolean {
  return (Number.parseInt(flags, 16) & FLAG_SAMPLED) !== 0;
}

function traceIdOf(requestId: string): string {
  const digits = requestId.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) && !/^0+$/.test(digits) ? digits : digest(requestId).slice(0, 32);
}

function spanIdOf(requestId: string): string {
  return digest(requestId).slice(32, 48);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
