/** Load by wrk (Debian package `wrk`), and what it costs the server. */
import { spawnSync } from 'node:child_process';
import { type RunningServer, scratchFile } from './harness.ts';
import { seconds } from './options.ts';
import { treeProcessorMs } from './process-tree.ts';

export interface Load {
  requests: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  errors: number;
}

export interface MeasuredLoad extends Load {
  /** Processor time of the server's processes, in microseconds per request. */
  usPerRequest: number;
}

/**
 * One body; several that are sent in turn; a different one each time, a number between two texts;
 * or bytes without a meaning.
 */
export type LoadBody = string | readonly string[] | { before: string; after: string } | { bytes: number };

interface LoadOptions {
  /** None: a GET. */
  body?: LoadBody | undefined;
  connections: number;
  /** Usual length, which `--seconds` shortens. */
  seconds: number;
  headers?: Readonly<Record<string, string>>;
}

/** One thread of wrk. Errors are counted: a status of 400 or above, a time-out, a broken socket. */
export function wrk(url: string, { body, connections, seconds: usual, headers = {} }: LoadOptions): Load {
  const isJson = body !== undefined && !(typeof body === 'object' && 'bytes' in body);
  const all = { ...(isJson ? { 'Content-Type': 'application/json' } : {}), ...headers };
  const script = scratchFile(
    'load.lua',
    [
      ...Object.entries(all).map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`),
      ...(body === undefined ? [] : ['wrk.method = "POST"', ...luaBody(body)]),
      REPORT,
    ].join('\n'),
  );
  const args = ['-t1', `-c${connections}`, `-d${seconds(usual)}s`, '--timeout', '30s', '-s', script, url];
  const result = spawnSync('wrk', args, { encoding: 'utf8' });
  if (result.error !== undefined) throw new Error('wrk is needed for this table: apt-get install wrk');
  return parseReport(result.stdout + result.stderr);
}

/** `wrk` on `server`, with the processor time that its processes take meanwhile. */
export function measuredLoad({ url, pid }: RunningServer, path: string, load: LoadOptions): MeasuredLoad {
  const before = treeProcessorMs(pid);
  const result = wrk(url + path, load);
  return { ...result, usPerRequest: ((treeProcessorMs(pid) - before) * 1000) / result.requests };
}

/** The same load. Throws where a request failed: the figures of failures say nothing. */
export function flawless<Result extends Load>(load: Result, what: string): Result {
  if (load.errors > 0) throw new Error(`${what}: ${load.errors} of ${load.requests} requests failed`);
  return load;
}

const REPORT = `done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %f %f %f %d\\n", summary.requests, summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end`;

/** The line that `REPORT` writes. Throws if it is absent. */
export function parseReport(output: string): Load {
  const found = /^RESULT (\d+) (\S+) (\S+) (\S+) (\d+)$/m.exec(output);
  if (found === null) throw new Error(`wrk did not report its figures:\n${output.slice(-2000)}`);
  const [requests = 0, requestsPerSecond = 0, p50Ms = 0, p99Ms = 0, errors = 0] = found.slice(1).map(Number);
  return { requests, requestsPerSecond, p50Ms, p99Ms, errors };
}

/** Formatting a request costs more than sending it, so repeated requests are made ready. */
function luaBody(body: LoadBody): string[] {
  if (typeof body === 'string') return [`wrk.body = ${lua(body)}`];
  if ('bytes' in body) return [`wrk.body = string.rep("x", ${body.bytes})`];
  if ('before' in body)
    return [
      'local sent = 0',
      'request = function()',
      '  sent = sent + 1',
      `  return wrk.format(nil, nil, nil, ${lua(body.before)} .. sent .. ${lua(body.after)})`,
      'end',
    ];
  return [
    'local requests, at = {}, 0',
    `local bodies = { ${body.map(lua).join(', ')} }`,
    'init = function()',
    '  for place, body in ipairs(bodies) do requests[place] = wrk.format(nil, nil, nil, body) end',
    'end',
    'request = function()',
    '  at = at % #requests + 1',
    '  return requests[at]',
    'end',
  ];
}

/** A text as a literal of Lua. JSON's escapes are Lua's, but for `\u`. */
export function lua(text: string): string {
  const literal = JSON.stringify(text);
  if (literal.includes('\\u')) throw new Error('a control character or half a surrogate pair is no text for Lua');
  return literal;
}
