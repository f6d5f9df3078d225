import type { Principal } from '#lib/http/principal';
import type { ChatRequest } from '#lib/wire/chat';

interface AllowedRequest {
  readonly chat: ChatRequest;
  /** The priority that it has, if that is less than it asked for. */
  readonly cappedPriority: number | undefined;
}

/** A request with at most the priority that its caller may have. More is lowered, not refused. */
export function withAllowedPriority(chat: ChatRequest, { maxPriority }: Principal): AllowedRequest {
  if (chat.priority <= maxPriority) return { chat, cappedPriority: undefined };
  return { chat: { ...chat, priority: maxPriority }, cappedPriority: maxPriority };
}

/** The response header that reports a lowered priority; empty for undefined. */
export function priorityHeader(cappedPriority: number | undefined): Record<string, string> {
  return cappedPriority === undefined ? {} : { 'x-priority': String(cappedPriority) };
}
