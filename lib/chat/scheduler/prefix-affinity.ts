import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelRequest } from '#lib/models/provider';
import type { Message, ToolCall } from '#lib/wire/chat';

/** Bounds the memory: about 150 bytes each. */
const MAX_CONVERSATIONS = 10_000;
const KEY_CHARS = 22;

interface KnownPrefix {
  readonly server: ModelServer;
  /** Of the prompt and the response. */
  readonly tokens: number;
}

/**
 * Which model server responded to the last turn of a conversation: it has the computed state of all
 * tokens up to there (its prompt cache), so the next turn begins sooner on it.
 */
export class PrefixAffinity {
  readonly #known = new LRUCache<string, KnownPrefix>({ max: MAX_CONVERSATIONS });

  /** Tokens that `server` has computed of the conversation with this key. */
  tokensOn(server: ModelServer, key: string | undefined): number {
    const known = key === undefined ? undefined : this.#known.get(key);
    return known?.server === server ? known.tokens : 0;
  }

  /** Notes that `server` has responded to `request`. */
  record(kind: string, request: ModelRequest, response: CompletedResponse, server: ModelServer): void {
    const { content, tool_calls, usage } = response;
    const message: Message = { role: 'assistant', content, ...(tool_calls.length === 0 ? {} : { tool_calls }) };
    const key = keyOf(kind, request.model, [...request.messages, message]);
    this.#known.set(key, { server, tokens: usage.prompt_tokens + usage.completion_tokens });
  }
}

/**
 * The key of a conversation up to and with the last response in it; undefined for its first turn.
 */
export function prefixKey(kind: string, { model, messages }: ModelRequest): string | undefined {
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  return last < 0 ? undefined : keyOf(kind, model, messages.slice(0, last + 1));
}

function keyOf(kind: string, model: string, messages: readonly Message[]): string {
  const form = messages.map(({ role, content, images, tool_calls }) => [
    role,
    // Clients trim what they send back.
    content.trim(),
    images?.map((image) => hash('sha256', image, 'base64url')) ?? 0,
    tool_calls?.map(calledFunction) ?? 0,
  ]);
  return hash('sha256', JSON.stringify([kind, model, form]), 'base64url').slice(0, KEY_CHARS);
}

/** The ids of calls are not the model's. */
function calledFunction({ function: called }: ToolCall): unknown {
  return [called.name, called.arguments];
}
