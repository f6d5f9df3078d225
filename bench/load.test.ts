import { describe, expect, it } from 'vitest';
import { flawless, lua, parseReport } from './load.ts';

describe('parseReport', () => {
  it("reads the line of figures among wrk's own lines", () => {
    const output =
      'Running 1s test @ http://127.0.0.1:1\n  Requests/sec:  9\nRESULT 1200 399.900000 0.512000 4.250000 3\n';
    expect(parseReport(output)).toEqual({
      requests: 1200,
      requestsPerSecond: 399.9,
      p50Ms: 0.512,
      p99Ms: 4.25,
      errors: 3,
    });
  });

  it('throws with what wrk wrote where there are no figures', () => {
    expect(() => parseReport('unable to connect to 127.0.0.1:1 Connection refused')).toThrow('Connection refused');
  });
});

describe('flawless', () => {
  const load = { requests: 10, requestsPerSecond: 10, p50Ms: 1, p99Ms: 2, errors: 0 };

  it('returns a load in which no request failed', () => {
    expect(flawless(load, 'a row')).toBe(load);
  });

  it('names the row in which requests failed', () => {
    expect(() => flawless({ ...load, errors: 2 }, 'a row')).toThrow('a row: 2 of 10 requests failed');
  });
});

describe('lua', () => {
  it('quotes what ends a literal', () => {
    expect(lua('say "hi"\\\n')).toBe('"say \\"hi\\"\\\\\\n"');
  });

  it('refuses an escape that Lua does not have', () => {
    expect(() => lua('\u0001')).toThrow('control character');
  });
});
