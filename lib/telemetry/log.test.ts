import { describe, expect, it } from 'vitest';
import { accessLogLine, createLog } from '#lib/telemetry/log';

function linesOf(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLog('info', { write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line));
}

describe('log', () => {
  it('writes a JSON line with the name of the level and an ISO 8601 time', () => {
    const [line] = linesOf((log) => log.info({ request_id: 'abc' }, 'request'));
    expect(line).toMatchObject({ level: 'info', msg: 'request', request_id: 'abc' });
    expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('redacts secrets at the top level and one level below', () => {
    const secret = 'hunter2';
    const text = JSON.stringify(
      linesOf((log) =>
        log.info({
          authorization: secret,
          token: secret,
          headers: { cookie: secret, authorization: secret },
          settings: { api_key: secret },
        }),
      ),
    );
    expect(text).not.toContain(secret);
    expect(text.match(/\[redacted\]/g)).toHaveLength(5);
  });
});

describe('accessLogLine', () => {
  it('equals the line that pino would write', () => {
    const fields = { request_id: 'abc-1', method: 'POST', path: '/api/things/[id]', status: 200, ms: 1.3 };
    const [line] = linesOf((log) => log.info(fields, 'request'));
    const own = JSON.parse(accessLogLine('info', 'abc-1', 'POST', '/api/things/[id]', 200, 1.2999));
    expect({ ...own, time: line?.time }).toEqual(line);
    expect(Object.keys(own)).toEqual(Object.keys(line ?? {}));
  });
});
