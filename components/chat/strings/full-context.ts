import { formatCount } from '#lib/browser/format';

/** What people read about the context of a chat. An empty chat loads none of it. */
export const FULL_CONTEXT_STRINGS = {
  contextUsed: 'Context used',
  contextTokens: (used: number, limit: number, percent: string) =>
    `About ${formatCount(used)} of ${formatCount(limit)} tokens (${percent})`,
  contextNearlyFull: (percent: string) =>
    `This chat has used about ${percent} of the model’s context. Soon the model will no longer see its beginning.`,
  contextFull: 'This chat is longer than the model’s context. The model may refuse it, or not see its beginning.',
  fileTooLong: (name: string, tokens: number) =>
    `${name} is too long for the model (about ${formatCount(tokens)} tokens). Attach less of it, or choose another model.`,
  questionTooLong: (tokens: number) =>
    `Your message is too long for the model (about ${formatCount(tokens)} tokens). Shorten it, or choose another model.`,
  attachedTooLong: (tokens: number, limit: number) =>
    `The attachments have about ${formatCount(tokens)} tokens, and the model reads at most ${formatCount(limit)}. Attach less, or choose another model.`,
  attachedNearlyFull: (percent: string) =>
    `The attachments take about ${percent} of the model’s context. Little space is left for the chat.`,
  contextTruncated: 'The last answer did not take the whole chat into account: it is longer than the model’s context.',
  contextLonger: 'Longer context',
  newChat: 'New chat',
} as const;
