import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { exportRequest } from '#lib/telemetry/otlp';

function serviceName(environment: Record<string, string>): unknown {
  const [resourceSpans] = exportRequest(readConfig(environment).OTEL_SERVICE_NAME, []).resourceSpans;
  return resourceSpans?.resource.attributes.find(({ key }) => key === 'service.name')?.value;
}

describe('exportRequest', () => {
  it('names the service chill-space unless OTEL_SERVICE_NAME is set', () => {
    expect(serviceName({})).toEqual({ stringValue: 'chill-space' });
    expect(serviceName({ OTEL_SERVICE_NAME: 'chat-eu' })).toEqual({ stringValue: 'chat-eu' });
  });
});
