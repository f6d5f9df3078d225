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
  attributes: Readonly<Record<string, string | number | boolean>>;
  failed: boolean;
}
