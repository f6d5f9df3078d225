import { attachedTokens, messageTokens } from './context-usage.ts';
import { type AssistantMessage, pathTo, type Thread } from './conversation.ts';
import { FULL_CONTEXT_STRINGS as S } from './strings/full-context.ts';

/**
 * Why the chat of a refused response was too long for the model, if one part of it is most of the
 * chat: an attachment, or a single question. Undefined for a chat that grew too long.
 */
export function contextFailure(thread: Thread, response: AssistantMessage): string | undefined {
  const path = response.parentId === null ? [] : pathTo(thread, response.parentId);
  const question = path.at(-1);
  if (question?.role !== 'user') return undefined;
  const half = path.reduce((sum, message) => sum + messageTokens(message), 0) / 2;
  const files = (question.files ?? []).map((file) => ({
    name: file.name,
    tokens: attachedTokens({ images: [], files: [file] }),
  }));
  const [largest] = files.toSorted((a, b) => b.tokens - a.tokens);
  if (largest !== undefined && largest.tokens >= half) return S.fileTooLong(largest.name, largest.tokens);
  return messageTokens(question) >= half ? S.questionTooLong(messageTokens(question)) : undefined;
}
