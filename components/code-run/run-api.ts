import { ApiError, jsonBody, request } from '#lib/browser/api-client';
import { CODE_API_BASE } from '#lib/browser/endpoints';
import { isCodeChunk, isCodeResult } from '#lib/browser/response-guards';
import { readEvents } from '#lib/browser/server-sent-events';
import { isErrorBody } from '#lib/browser/service-guards';
import { parseJson } from '#lib/browser/type-guards';
import type { CodeRequest, CodeResult } from '#lib/wire/code';
import { CODE_RUN_STRINGS as STRINGS } from './strings.ts';

export type RunEvent =
  /** The program starts now, after its engine was loaded. */
  | { type: 'started' }
  | { type: 'output'; stream: 'stdout' | 'stderr'; text: string }
  | { type: 'result'; result: CodeResult };

/** Time for queueing and compiling on top of the program's limit (docs/contract.md#code-runs). */
const MARGIN_SECONDS = 15;
const DEFAULT_TIMEOUT_SECONDS = 10;

/**
 * Runs a program and yields its output, then the result. Aborting `signal` kills the program.
 * Throws `ApiError` if it could not run.
 */
export async function* runCode(program: CodeRequest, signal: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
  const limit = AbortSignal.timeout((MARGIN_SECONDS + (program.timeout ?? DEFAULT_TIMEOUT_SECONDS)) * 1000);
  const init = jsonBody(program);
  const headers = { ...init.headers, accept: 'text/event-stream' };
  try {
    const response = await request(`${CODE_API_BASE}/code/run`, {
      ...init,
      headers,
      signal: AbortSignal.any([signal, limit]),
    });
    if (response.body !== null)
      for await (const { event, data } of readEvents(response.body)) {
        const read = parse(event, data);
        if (read === undefined) continue;
        yield read;
        if (read.type === 'result') return;
      }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    if (limit.aborted) throw new ApiError(STRINGS.noResponse, 0, 'run_timeout');
  }
  throw new ApiError(STRINGS.connectionLost, 0, 'connection_lost');
}

function parse(event: string, data: string): RunEvent | undefined {
  const json = parseJson(data);
  if (event === 'stdout' || event === 'stderr')
    return isCodeChunk(json) ? { type: 'output', stream: event, text: json.text } : undefined;
  if (event === 'result') return isCodeResult(json) ? { type: 'result', result: json } : undefined;
  if (event !== 'error') return undefined;
  throw isErrorBody(json)
    ? new ApiError(json.error, 200, json.code, undefined, json.data)
    : new ApiError(STRINGS.unknownFailure, 200, 'unknown_error');
}
