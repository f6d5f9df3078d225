import type { AssistantMessage } from './conversation.ts';
import { TURN_STRINGS } from './strings/turns.ts';

/** The model and the figures of a response, as its footer lists them. */
export function responseFacts(message: AssistantMessage): string[] {
  const { model, state, source, pieces, completionTokens = 0, tokensPerSecond, firstTokenMs } = message;
  const list: string[] = [];
  if (model !== undefined) list.push(model);
  if (state !== 'done' && pieces !== undefined) list.push(TURN_STRINGS.tokensSoFar(pieces));
  // 0 comes from a model server that counts no tokens.
  else if (completionTokens > 0) list.push(TURN_STRINGS.tokens(completionTokens));
  if (tokensPerSecond !== undefined && source === 'model') list.push(TURN_STRINGS.tokensPerSecond(tokensPerSecond));
  if (firstTokenMs !== undefined && source === 'model') list.push(TURN_STRINGS.firstToken(firstTokenMs));
  return list;
}
