import { hash } from 'node:crypto';
import type { PendingRequest } from '#lib/chat/generation/in-flight';
import type { CacheHeader, TokenUsage } from '#lib/wire/chat';

/** Callers whose digests are known without being made again. */
const MAX_CALLERS = 1024;
const HASH_CHARS = 8;
const digests = new Map<string, string>();

/**
 * What the log says of a caller: the start of a SHA-256, so that its address or key is not in the
 * log.
 */
function callerHash(caller: string): string {
  let digest = digests.get(caller);
  if (digest === undefined) {
    digest = hash('sha256', caller, 'hex').slice(0, HASH_CHARS);
    if (digests.size >= MAX_CALLERS) digests.clear();
    digests.set(caller, digest);
  }
  return digest;
}

/**
 * The members that the log's line of a cached answer has next to those of every request.
 * `modelJson`: see `modelNameJson`.
 */
export function cachedResponseLogFields(
  caller: string,
  modelJson: string,
  { prompt_tokens, completion_tokens }: TokenUsage,
): string {
  return `,"cache":"hit","caller":"${callerHash(caller)}","model":${modelJson},"prompt_tokens":${prompt_tokens},"completion_tokens":${completion_tokens},"queued_ms":0`;
}

const MAX_MODELS = 256;
const models = new Map<string, string>();

/** A model's name as JSON; one string for all answers of the model. */
export function modelNameJson(model: string): string {
  let name = models.get(model);
  if (name === undefined) {
    name = JSON.stringify(model);
    if (models.size >= MAX_MODELS) models.clear();
    models.set(model, name);
  }
  return name;
}

/**
 * The members that the log's line of any other chat request has: its tokens where it has completed.
 */
export function requestLogFields(ticket: PendingRequest, cache: CacheHeader): string {
  const { caller, generation: run } = ticket;
  const usage = run.response?.usage;
  const tokens =
    usage === undefined ? '' : `,"prompt_tokens":${usage.prompt_tokens},"completion_tokens":${usage.completion_tokens}`;
  const { queued_ms, total_ms } = ticket.timings();
  return `,"cache":"${cache}","caller":"${callerHash(caller)}","model":${modelNameJson(run.model)}${tokens},"queued_ms":${queued_ms},"total_ms":${total_ms},"outcome":"${ticket.state}"`;
}

/**
 * The members that the log's line of a refused chat request has. `model` is the one that was
 * requested.
 */
export function rejectedLogFields(caller: string, model: string | undefined): string {
  const name = model === undefined ? '' : `,"model":${JSON.stringify(model)}`;
  return `,"caller":"${callerHash(caller)}"${name},"outcome":"refused"`;
}
