import { modelNameJson } from '#lib/chat/formats/model-name-json';
import type { ReadableRequest } from '#lib/chat/generation/request-view';
import { callerLogFields } from '#lib/http/caller-log-fields';
import type { Principal } from '#lib/http/principal';
import type { RequestContext } from '#lib/http/route';
import type { CacheHeader, TokenUsage } from '#lib/wire/chat';

/** Access-log members of a cached response. `modelJson` is the result of `modelNameJson`. */
export function cachedResponseLogFields(
  caller: string,
  modelJson: string,
  { prompt_tokens, completion_tokens }: TokenUsage,
  principal?: Principal,
): string {
  return `,"cache":"hit"${callerLogFields(caller, principal)},"model":${modelJson},"prompt_tokens":${prompt_tokens},"completion_tokens":${completion_tokens},"queued_ms":0`;
}

/** Access-log members of any other chat request, with its tokens if it has completed. */
export function requestLogFields(request: ReadableRequest, cacheStatus: CacheHeader): string {
  const { caller, principal, state, response, serverName: server } = request;
  const usage = response?.usage;
  const tokens =
    usage === undefined ? '' : `,"prompt_tokens":${usage.prompt_tokens},"completion_tokens":${usage.completion_tokens}`;
  const { queued_ms, total_ms } = request.timings();
  const served = server === undefined ? '' : `,"model_server":${JSON.stringify(server)}`;
  return `,"cache":"${cacheStatus}"${callerLogFields(caller, principal)},"model":${modelNameJson(request.model)}${served}${tokens},"queued_ms":${queued_ms},"total_ms":${total_ms},"outcome":"${state}"`;
}

/** Access-log members of an embedding request. */
export function embeddingLogFields(
  { caller, principal }: LoggedCaller,
  model: string,
  { cacheStatus, inputs, promptTokens }: { cacheStatus: CacheHeader; inputs: number; promptTokens: number },
): string {
  return `,"cache":"${cacheStatus}"${callerLogFields(caller, principal)},"model":${JSON.stringify(model)},"inputs":${inputs},"prompt_tokens":${promptTokens}`;
}

/** Access-log members of a request with several choices: their tokens together. */
export function choicesLogFields(choices: readonly ReadableRequest[], cacheStatus: CacheHeader): string {
  const [first] = choices;
  if (first === undefined) return '';
  const usages = choices.flatMap(({ response }) => response?.usage ?? []);
  const sum = (count: (usage: TokenUsage) => number) => usages.reduce((total, usage) => total + count(usage), 0);
  const prompt = sum(({ prompt_tokens }) => prompt_tokens);
  const completion = sum(({ completion_tokens }) => completion_tokens);
  const tokens = `,"prompt_tokens":${prompt},"completion_tokens":${completion}`;
  const timings = choices.map((choice) => choice.timings());
  const queuedMs = Math.max(...timings.map(({ queued_ms }) => queued_ms));
  const totalMs = Math.max(...timings.map(({ total_ms }) => total_ms));
  const outcome = choices.find(({ state }) => state !== 'completed')?.state ?? 'completed';
  return `,"cache":"${cacheStatus}"${callerLogFields(first.caller, first.principal)},"model":${modelNameJson(first.model)},"choices":${choices.length}${tokens},"queued_ms":${queuedMs},"total_ms":${totalMs},"outcome":"${outcome}"`;
}

/** Access-log members of a rejected chat request. `model` is the one that was requested. */
export function rejectedLogFields({ caller, principal }: LoggedCaller, model: string | undefined): string {
  return `${callerLogFields(caller, principal)}${modelField(model)},"outcome":"refused"`;
}

/** Access-log members of a request that was passed on. Its model server counts no tokens here. */
export function passedLogFields({ caller, principal }: LoggedCaller, model: string | undefined): string {
  return `,"cache":"bypass"${callerLogFields(caller, principal)}${modelField(model)}`;
}

type LoggedCaller = Pick<RequestContext, 'caller' | 'principal'>;

function modelField(model: string | undefined): string {
  return model === undefined ? '' : `,"model":${JSON.stringify(model)}`;
}
