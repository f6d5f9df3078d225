import { afterEach, describe, expect, it } from 'vitest';
import { resetSingleton } from '#lib/singletons';
import { tracer } from '#lib/telemetry/tracing';
import { closeAll, startBackend, startEcho, startGateway } from '../support/gateway-backend.ts';

interface Exported {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: { key: string; value: Record<string, string> }[];
  status: { code: number };
}

const ID = '0e8e2f3a-7b0c-4f57-8d1d-2f4f8a9b7c6d';
const CALLER = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;

afterEach(async () => {
  await closeAll();
  resetSingleton('tracer');
});

/** A collector of OpenTelemetry that keeps what it is sent. */
async function startCollector(): Promise<{ url: string; spans: Exported[] }> {
  const spans: Exported[] = [];
  const { url } = await startBackend(async (incoming, outgoing) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    for (const { scopeSpans } of JSON.parse(body).resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans);
    outgoing.end('{}');
  });
  return { url, spans };
}

describe('a request through the gateway', () => {
  it('is its own span, which replaces the caller’s for the backend', async () => {
    const { url: backend, seen } = await startEcho();
    const { url: collector, spans } = await startCollector();
    resetSingleton('tracer');
    const { url } = await startGateway(backend, { OTEL_EXPORTER_OTLP_ENDPOINT: collector });
    await (await fetch(`${url}/a/b?c=d`, { headers: { 'x-request-id': ID } })).text();
    await (await fetch(`${url}/gateway/e`, { headers: { traceparent: CALLER } })).text();
    const refused = await fetch(`${url}/f`, { method: 'POST', headers: { origin: 'https://evil.example' } });
    expect(refused.status).toBe(403);
    await tracer()?.flush();
    expect(spans.map(({ name }) => name)).toEqual([
      'GET /gateway/[...path]',
      'GET /gateway/[...path]',
      'POST /gateway/[...path]',
    ]);
    const [own, called, bad] = spans;
    expect(own?.traceId).toBe(ID.replaceAll('-', ''));
    expect(own?.parentSpanId).toBeUndefined();
    expect([called?.traceId, called?.parentSpanId]).toEqual(['ab'.repeat(16), 'cd'.repeat(8)]);
    expect(bad?.attributes).toContainEqual({ key: 'http.response.status_code', value: { intValue: '403' } });
    expect(seen.map(({ raw }) => raw.filter((_, index) => raw[index - 1]?.toLowerCase() === 'traceparent'))).toEqual([
      [`00-${own?.traceId}-${own?.spanId}-01`],
      [`00-${called?.traceId}-${called?.spanId}-01`],
    ]);
  });

  it('keeps the trace of its caller where this server records none', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend);
    await (await fetch(`${url}/a`, { headers: { traceparent: CALLER } })).text();
    await (await fetch(`${url}/b`)).text();
    expect(seen.map(({ headers }) => headers.traceparent)).toEqual([CALLER, undefined]);
  });
});
