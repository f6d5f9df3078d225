import type { Generation } from '#lib/chat/generation/generation';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import { estimateTokens } from '#lib/models/estimate-tokens';
import type { UsageEvent } from '#lib/people/usage/usage-event';
import type { TokenUsage } from '#lib/wire/chat';

/**
 * The usage of a chat request that has ended. Of the requests of a generation one pays for it, and
 * the others have joined; so the tokens of all rows are those that models have worked on.
 */
export function requestUsage(request: PendingRequest, isPayer: boolean): UsageEvent {
  const { generation, state, principal, createdAt, isSuspended: goesOn } = request;
  const { model, server, response, spent = NO_TOKENS, startedAt, finishedAt = createdAt } = generation;
  const usage = response?.usage ?? spent;
  const tokens = usage.prompt_tokens + usage.completion_tokens;
  const endOfWait = startedAt ?? request.finishedAt ?? finishedAt;
  return {
    principal,
    kind: 'chat',
    model,
    server: server?.name ?? '',
    cached: false,
    joined: !isPayer && request.cacheStatus === 'joined',
    goesOn,
    promptTokens: isPayer ? usage.prompt_tokens : 0,
    completionTokens: isPayer ? usage.completion_tokens : 0,
    savedTokens: isPayer || state !== 'completed' ? 0 : tokens,
    generationMs: isPayer && startedAt !== undefined ? finishedAt - startedAt : 0,
    // After a restart it waits since it was accepted.
    queueMs: goesOn ? 0 : Math.max(0, endOfWait - createdAt),
    error: state === 'failed' && !goesOn ? (request.error?.code ?? 'internal_error') : undefined,
  };
}

/** Whether there is nothing to count: it goes on after a restart, and no model has worked on it. */
export function isNoUsage({ goesOn, promptTokens, completionTokens, generationMs }: UsageEvent): boolean {
  return goesOn === true && promptTokens + completionTokens + generationMs === 0;
}

/** The usage of a request that was refused after the choice of its model. */
export function refusedUsage(principal: Principal | undefined, model: string, error: unknown): UsageEvent {
  return {
    principal,
    kind: 'chat',
    model,
    server: '',
    cached: false,
    joined: false,
    promptTokens: 0,
    completionTokens: 0,
    savedTokens: 0,
    generationMs: 0,
    queueMs: 0,
    error: AppError.is(error) ? error.code : 'internal_error',
  };
}

const NO_TOKENS: TokenUsage = { prompt_tokens: 0, completion_tokens: 0 };

/**
 * What a generation that did not complete has used: model servers report it with complete
 * responses only. The prompt is estimated, and was read if there is a token; a piece of text is
 * one token of most servers.
 */
export function spentTokens({
  firstTokenAt,
  request,
  tokens,
}: Pick<Generation, 'firstTokenAt' | 'request' | 'tokens'>): TokenUsage {
  if (firstTokenAt === undefined || request === undefined) return NO_TOKENS;
  const { completion } = request;
  if (completion === undefined) return { prompt_tokens: estimateTokens(request), completion_tokens: tokens };
  const { prompt, suffix = '' } = completion;
  if (typeof prompt !== 'string') return { prompt_tokens: prompt.length, completion_tokens: tokens };
  const asMessage = { ...request, messages: [{ role: 'user' as const, content: prompt + suffix }] };
  return { prompt_tokens: estimateTokens(asMessage), completion_tokens: tokens };
}
