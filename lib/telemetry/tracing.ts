import { createHash, randomBytes } from 'node:crypto';
import { config } from '#lib/config/config';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import { currentRequestId, runWithRequestId } from '#lib/telemetry/request-context';

/**
 * OpenTelemetry traces, where OTEL_EXPORTER_OTLP_ENDPOINT says where to. A request's trace follows from its id, so that whoever knows
 * the one knows the other, and nothing is handed from room to room: a UUID's digits are the trace's.
 */

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** `server` for a request that came in, `client` for one that went out. */
  kind: 'server' | 'client' | 'internal';
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  attributes: Readonly<Record<string, string | number | boolean>>;
  failed: boolean;
}

export type SpanInput = Pick<Span, 'name' | 'startMs' | 'endMs' | 'attributes'> &
  Partial<Pick<Span, 'kind' | 'failed'>>;

interface TraceContext {
  traceId: string;
  /** Of the request's own span. */
  spanId: string;
  parentSpanId: string | undefined;
}

const FLUSH_MS = 5_000;
/** More than that are sent at once; what comes while a collector is away is let go of. */
const BATCH_SPANS = 512;
const MAX_BUFFERED_SPANS = 4_096;
/** Requests under way that belong to the trace of their caller. */
const MAX_CONTINUED_TRACES = 10_000;

export type ExportSpans = (spans: readonly Span[]) => Promise<void>;

export class Tracer {
  readonly #send: ExportSpans;
  readonly #adopted = new Map<string, TraceContext>();
  #waiting: Span[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #warned = false;

  constructor(send: ExportSpans) {
    this.#send = send;
  }

  /** A request whose client has a trace of its own (W3C Trace Context, `traceparent`) becomes part of that. */
  continueTrace(requestId: string, traceparent: string | null): void {
    const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent ?? '');
    const [, traceId, parentSpanId] = found ?? [];
    if (traceId === undefined || parentSpanId === undefined || /^0+$/.test(traceId)) return;
    this.#adopted.set(requestId, { traceId, spanId: spanIdOf(requestId), parentSpanId });
    if (this.#adopted.size <= MAX_CONTINUED_TRACES) return;
    const [oldest] = this.#adopted.keys();
    if (oldest !== undefined) this.#adopted.delete(oldest);
  }

  /** The request itself, which all that is done for it belongs to. */
  recordRequest(requestId: string, work: SpanInput): void {
    const { traceId, spanId, parentSpanId } = this.#contextOf(requestId);
    this.#add({ kind: 'server', failed: false, ...work, traceId, spanId, parentSpanId });
  }

  /** The same of a request over HTTP that was answered with `status` after `elapsedMs`. `route` is of bounded cardinality. */
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

  /** Something that was done for a request. Returns its span's id, for what was done within it. */
  recordSpan(requestId: string, work: SpanInput, parentSpanId?: string): string {
    const context = this.#contextOf(requestId);
    const spanId = randomBytes(8).toString('hex');
    this.#add({
      kind: 'internal',
      failed: false,
      ...work,
      traceId: context.traceId,
      spanId,
      parentSpanId: parentSpanId ?? context.spanId,
    });
    return spanId;
  }

  /** The `traceparent` that a request made for this one carries. */
  traceparent(requestId: string): string {
    const { traceId, spanId } = this.#contextOf(requestId);
    return `00-${traceId}-${spanId}-01`;
  }

  /** Sends what waits. Resolves when it is sent, or given up. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const spans = this.#waiting;
    this.#waiting = [];
    if (spans.length > 0) this.#sending = this.#sending.then(() => this.#export(spans));
    return this.#sending;
  }

  #contextOf(requestId: string): TraceContext {
    return (
      this.#adopted.get(requestId) ?? {
        traceId: traceIdOf(requestId),
        spanId: spanIdOf(requestId),
        parentSpanId: undefined,
      }
    );
  }

  #add(span: Span): void {
    if (this.#waiting.length >= MAX_BUFFERED_SPANS) return;
    this.#waiting.push(span);
    if (this.#waiting.length === BATCH_SPANS) void this.flush();
    else {
      this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
      this.#timer.unref();
    }
  }

  async #export(spans: readonly Span[]): Promise<void> {
    try {
      await this.#send(spans);
      this.#warned = false;
    } catch (error) {
      // Once for an outage: a collector that is away is no trouble of a request's.
      if (!this.#warned) log().warn({ err: error }, 'traces could not be sent to OTEL_EXPORTER_OTLP_ENDPOINT');
      this.#warned = true;
    }
  }
}

/** Undefined where no collector is set: then nothing is recorded, and the exporter is never loaded. */
export function tracer(): Tracer | undefined {
  return singleton('tracer', () => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers } = config();
    if (endpoint === undefined) return undefined;
    const made = new Tracer(async (spans) => {
      const { exportSpans } = await import('#lib/telemetry/otlp');
      await exportSpans(endpoint, headers, spans);
    });
    onShutdown(() => made.flush());
    return made;
  });
}

/** What a request that is made for the one being worked on says of it: the same id, and its trace. Nothing outside of a request. */
export function propagationHeaders(): Record<string, string> {
  const requestId = currentRequestId();
  if (requestId === undefined) return {};
  const traceparent = tracer()?.traceparent(requestId);
  return { 'x-request-id': requestId, ...(traceparent === undefined ? {} : { traceparent }) };
}

/** Does `work` for a request, and records how long it took. What it asks of other servers carries the request's id. */
export async function withSpan<T>(
  requestId: string,
  name: string,
  attributes: Span['attributes'],
  work: () => Promise<T>,
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
    traces.recordSpan(requestId, { name, startMs, endMs: epochMs(), attributes, failed });
  }
}

/** Milliseconds since the epoch, with fractions. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
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
