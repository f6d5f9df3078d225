import { hash } from 'node:crypto';
import { modelNameJson } from '#lib/chat/formats/model-name-json';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { CacheHeader, TokenUsage } from '#lib/wire/chat';

/** Bounds the memoized digests. */
const MAX_CALLERS = 1024;
const HASH_CHARS = 8;
const digests = new Map<string, string>();

/** The start of the caller's SHA-256: neither its address nor its key is logged. */
function callerHash(caller: string): string {
  let digest = digests.get(caller);
  if (digest === undefined) {
    digest = hash('sha256', caller, 'hex').slice(0, HASH_CHARS);
    if (digests.size >= MAX_CALLERS) digests.clear();
    digests.set(caller, digest);
  }
  return digest;
}

/** Access-log members of a cached response. `modelJson` is the result of `modelNameJson`. */
export function cachedResponseLogFields(
  caller: string,
  modelJson: string,
  { prompt_tokens, completion_tokens }: TokenUsage,
): string {
  return `,"cache":"hit","caller":"${callerHash(caller)}","model":${modelJson},"prompt_tokens":${prompt_tokens},"completion_tokens":${completion_tokens},"queued_ms":0`;
}

/** Access-log members of any other chat request, with its tokens if it has completed. */
export function requestLogFields(request: PendingRequest, cacheStatus: CacheHeader): string {
  const { caller, generation, state } = request;
  const usage = generation.response?.usage;
  const tokens =
    usage === undefined ? '' : `,"prompt_tokens":${usage.prompt_tokens},"completion_tokens":${usage.completion_tokens}`;
  const { queued_ms, total_ms } = request.timings();
  const { server } = generation;
  const served = server?.isNameShown === true ? `,"model_server":${JSON.stringify(server.name)}` : '';
  return `,"cache":"${cacheStatus}","caller":"${callerHash(caller)}","model":${modelNameJson(generation.model)}${served}${tokens},"queued_ms":${queued_ms},"total_ms":${total_ms},"outcome":"${state}"`;
}

/** Access-log members of an embedding request. */
export function embeddingLogFields(
  caller: string,
  model: string,
  { cacheStatus, inputs, promptTokens }: { cacheStatus: CacheHeader; inputs: number; promptTokens: number },
): string {
  return `,"cache":"${cacheStatus}","caller":"${callerHash(caller)}","model":${JSON.stringify(model)},"inputs":${inputs},"prompt_tokens":${promptTokens}`;
}

/** Access-log members of a request with several choices: their tokens together. */
export function choicesLogFields(choices: readonly PendingRequest[], cacheStatus: CacheHeader): string {
  const [first] = choices;
  if (first === undefined) return '';
  const usages = choices.flatMap(({ generation }) => generation.response?.usage ?? []);
  const sum = (count: (usage: TokenUsage) => number) => usages.reduce((total, usage) => total + count(usage), 0);
  const prompt = sum(({ prompt_tokens }) => prompt_tokens);
  const completion = sum(({ completion_tokens }) => completion_tokens);
  const tokens = `,"prompt_tokens":${prompt},"completion_tokens":${completion}`;
  const timings = choices.map((choice) => choice.timings());
  const queuedMs = Math.max(...timings.map(({ queued_ms }) => queued_ms));
  const totalMs = Math.max(...timings.map(({ total_ms }) => total_ms));
  const outcome = choices.find(({ state }) => state !== 'completed')?.state ?? 'completed';
  return `,"cache":"${cacheStatus}","caller":"${callerHash(first.caller)}","model":${modelNameJson(first.model)},"choices":${choices.length}${tokens},"queued_ms":${queuedMs},"total_ms":${totalMs},"outcome":"${outcome}"`;
}

/** Access-log members of a rejected chat request. `model` is the one that was requested. */
export function rejectedLogFields(caller: string, model: string | undefined): string {
  const name = model === undefined ? '' : `,"model":${JSON.stringify(model)}`;
  return `,"caller":"${callerHash(caller)}"${name},"outcome":"refused"`;
}
