/** `double` is a number that is sent with a fraction, also where it is whole. */
export type SpanValue = string | number | boolean | readonly string[] | { readonly double: number };
export type SpanAttributes = Readonly<Record<string, SpanValue>>;

/** A finished piece of work within a trace. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** `server` for an incoming request, `client` for an outgoing one. */
  kind: 'server' | 'client' | 'internal';
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  attributes: SpanAttributes;
  failed: boolean;
}
