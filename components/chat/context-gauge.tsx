'use client';

import clsx from 'clsx';
import { useCallback, useMemo } from 'react';
import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { tip } from '#components/ui/tooltip';
import { formatPercent } from '#lib/browser/format';
import type { ChatState } from './chat-state.ts';
import {
  type Attached,
  attachedTokens,
  contextWarning,
  isTruncated,
  NEARLY_FULL,
  usedTokens,
} from './context-usage.ts';
import { type Conversation, shownPath } from './conversation.ts';
import { FULL_CONTEXT_STRINGS as S } from './strings/full-context.ts';
import { useAfterFirstView } from './use-after-first-view.ts';
import { useChatSelector } from './use-chat.ts';

/** Reports how much of the context the shown path uses. It rarely changes during a response. */
function useContextUsage(conversation: Conversation | undefined) {
  const { id = '', leafId = null, systemPrompt = '' } = conversation ?? {};
  const path = useCallback(
    ({ threads }: ChatState) => {
      const thread = threads.get(id);
      return thread === undefined ? [] : shownPath(thread, leafId);
    },
    [id, leafId],
  );
  const used = useChatSelector(
    useCallback(
      (state: ChatState) => {
        const shown = path(state);
        return shown.length === 0 ? 0 : usedTokens(shown, systemPrompt);
      },
      [path, systemPrompt],
    ),
  );
  const truncated = useChatSelector(useCallback((state: ChatState) => isTruncated(path(state)), [path]));
  return { used, truncated };
}

/** Counted once: a key in the message field renders the gauge, too. */
function useAttachedTokens({ images, files }: Attached): number {
  return useMemo(() => attachedTokens({ images, files }), [images, files]);
}

interface ContextGaugeProps {
  conversation: Conversation | undefined;
  /** What is attached to the next message. */
  attachments: Attached;
  /** Undefined if it is not known. */
  limit: number | undefined;
}

const RADIUS = 6;
const LENGTH = 2 * Math.PI * RADIUS;

/** A ring that fills with the conversation. Its tokens are counted after the first view. */
export function ContextGauge(props: ContextGaugeProps) {
  if (useAfterFirstView()) return <Gauge {...props} />;
  // The space of the ring, so that nothing moves when it comes.
  const isExpected = props.limit !== undefined && props.conversation?.leafId != null;
  return isExpected ? <span data-gauge className="size-8 shrink-0 pointer-coarse:size-10" aria-hidden /> : null;
}

function Gauge({ conversation, attachments, limit }: ContextGaugeProps) {
  const { used: sent } = useContextUsage(conversation);
  const used = sent + useAttachedTokens(attachments);
  if (limit === undefined || used === 0) return null;
  const part = Math.min(1, used / limit);
  const text = S.contextTokens(used, limit, formatPercent(used / limit));
  return (
    <button
      type="button"
      aria-label={`${S.contextUsed}: ${text}`}
      {...tip(`${S.contextUsed}: ${text}`)}
      data-tip-tap
      data-gauge
      className="flex size-8 shrink-0 items-center justify-center rounded-md transition-colors hover:bg-hover pointer-coarse:size-10"
    >
      <svg
        viewBox="0 0 16 16"
        aria-hidden
        className={clsx('size-4 -rotate-90', part >= NEARLY_FULL ? 'text-warn' : 'text-ink-2')}
      >
        <circle cx="8" cy="8" r={RADIUS} fill="none" strokeWidth="2.5" className="stroke-line-strong opacity-40" />
        <circle
          cx="8"
          cy="8"
          r={RADIUS}
          fill="none"
          strokeWidth="2.5"
          stroke="currentColor"
          strokeDasharray={`${part * LENGTH} ${LENGTH}`}
        />
      </svg>
    </button>
  );
}

interface ContextNoticeProps extends ContextGaugeProps {
  /** Given where the context can be made longer in the settings. */
  onLengthen?: (() => void) | undefined;
  /** Given for a chat that has messages. */
  onNewChat?: (() => void) | undefined;
}

/** Warns before the context is full, and says when the model did not read the whole chat. */
export function ContextNotice(props: ContextNoticeProps) {
  return useAfterFirstView() ? <FilledNotice {...props} /> : null;
}

function FilledNotice({ conversation, attachments, limit, onLengthen, onNewChat }: ContextNoticeProps) {
  const { used, truncated } = useContextUsage(conversation);
  const attached = useAttachedTokens(attachments);
  const sentence = contextWarning({ used, attached, limit, truncated });
  if (sentence === undefined) return null;
  return (
    <Notice
      kind="warn"
      className="mb-2"
      action={
        <span className="flex flex-wrap gap-1.5">
          {onLengthen === undefined ? null : (
            <Button size="sm" onClick={onLengthen}>
              {S.contextLonger}
            </Button>
          )}
          {onNewChat === undefined ? null : (
            <Button size="sm" onClick={onNewChat}>
              {S.newChat}
            </Button>
          )}
        </span>
      }
    >
      <span role="status">{sentence}</span>
    </Notice>
  );
}
