import { formatApproximate, formatCount, formatDuration, formatSeconds } from '#lib/browser/format';
import type { ShareStatus } from '#lib/wire/limits';
import type { QueuePosition } from '../conversation.ts';

/** The messages of a conversation show these. */
export const TURN_STRINGS = {
  // Names
  question: 'Question',
  response: 'Answer',

  // Progress
  waiting: 'Waiting for the model…',
  readingText: 'Reading your text…',
  loadingModel: 'Loading the model…',
  queued: ({ position, waitMs, server }: QueuePosition) =>
    [
      server === undefined ? 'Queued' : `Queued for ${server}`,
      position > 0 ? `${formatCount(position)} ahead of you` : 'you are next',
      ...(waitMs > 0 ? [formatApproximate(waitMs)] : []),
    ].join(' · '),
  overShare: ({ name, over_percent: over, ahead }: Pick<ShareStatus, 'name' | 'over_percent' | 'ahead'>) => {
    const share = name === 'tokens_per_month' ? 'this month’s share' : 'today’s share';
    const used = `You have used ${formatCount(100 + over)} % of ${share}`;
    if (ahead === 0) return `${used}.`;
    return `${used}; ${ahead === 1 ? '1 person is' : `${formatCount(ahead)} people are`} ahead of you.`;
  },
  reconnecting: 'Connection lost. Reconnecting…',
  cutOff: 'The server has lost its connection to the one that writes this answer. Waiting…',
  thinking: 'Thinking…',
  thinkingFor: (ms: number) => `Thinking… ${formatSeconds(ms)}`,
  thoughtFor: (ms: number) => `Thought for ${formatSeconds(ms)}`,
  thoughtBriefly: 'Thought for a moment',

  // For screen readers, one sentence per step
  statusWaiting: 'Waiting for the answer.',
  statusThinking: 'The model is thinking.',
  statusWriting: 'The answer is being written.',
  statusDone: 'The answer is complete.',
  statusTokenLimit: 'The answer stopped at the token limit.',
  statusStopped: 'The answer was stopped.',

  // The end of a response
  empty: 'The model returned an empty answer.',
  stopped: 'Stopped',
  cancelledByOperator: 'Cancelled by the operator.',
  lockedOut: 'Stopped, because you may not use this server any more. Ask your administrator.',
  cached: 'Cached',
  cachedTip: (at: string) => `From the cache, ${at}`,
  joined: 'Shared with an identical request',
  reachedTokenLimit: 'Reached the token limit',
  tokens: (count: number) => `${formatCount(count)} ${count === 1 ? 'token' : 'tokens'}`,
  tokensSoFar: (count: number) => `about ${formatCount(count)} ${count === 1 ? 'token' : 'tokens'}`,
  tokensPerSecond: (rate: number) => `${formatCount(rate)} tokens/s`,
  firstToken: (ms: number) =>
    `first token ${ms >= 10 && ms < 995 ? `${(ms / 1000).toFixed(2)} s` : formatDuration(ms)}`,

  // Failures
  connectionBroke: 'The connection was lost before the answer was complete.',
  sessionHadEnded: 'Not answered, because your session had ended.',
  stopFailed: 'Could not stop the model. It may still be running.',
  retryingIn: (seconds: number) => `Retrying in ${formatSeconds(seconds * 1000)}`,
  retryPossibleIn: (seconds: number) => `Try again in ${formatSeconds(seconds * 1000)}`,

  // Actions
  copy: 'Copy',
  edit: 'Edit',
  regenerate: 'Regenerate',
  regenerateWith: (model: string) => `Regenerate with ${model}`,
  continue: 'Continue',
  askAgain: 'Ask again',
  tryAgain: 'Try again',
  cancelRetry: 'Cancel',
  retryStop: 'Retry stop',
  chooseAnotherModel: 'Choose another model',
  loadingModels: 'Loading models…',
  more: 'More',
  moreForQuestion: 'More for this question',
  deletePair: 'Delete question and answer',
  deleteBelow: 'Delete from here on',
  deleteVersion: 'Delete this version',
  deletedPair: 'Question and answer deleted.',
  deletedBelow: 'Messages deleted.',
  deletedVersion: 'Version deleted.',
  undo: 'Undo',

  // Versions
  previousVersion: 'Previous version',
  nextVersion: 'Next version',
  version: (number: number, count: number) => `${number} / ${count}`,

  // A question
  editField: 'The question',
  send: 'Send',
  showAll: (lines: number) => `Show all ${formatCount(lines)} lines`,
  showAllText: 'Show all',
  showLess: 'Show less',
  outputOf: (source: string) => `Output of ${source}`,
  code: 'Code',
  text: 'text',
} as const;
