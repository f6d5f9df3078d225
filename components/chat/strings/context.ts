import { formatCount } from '#lib/browser/format';

/** The gauge of a chat's context and its notice show these; the settings share their name. */
export const CONTEXT_STRINGS = {
  settings: 'Chat settings',
  customised: 'Chat settings (customised)',
  contextUsed: 'Context used',
  contextTokens: (used: number, limit: number, percent: string) =>
    `About ${formatCount(used)} of ${formatCount(limit)} tokens (${percent})`,
  contextNearlyFull: (percent: string) =>
    `This chat has used about ${percent} of the model’s context. Soon the model will no longer see its beginning.`,
  contextFull: 'This chat is longer than the model’s context. The model may refuse it, or not see its beginning.',
  contextTruncated: 'The last answer did not take the whole chat into account: it is longer than the model’s context.',
  contextLonger: 'Longer context',
  newChat: 'New chat',
} as const;
