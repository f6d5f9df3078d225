'use client';

import { Split, Zap } from 'lucide-react';
import { memo } from 'react';
import { Reasoning } from '#components/chat/reasoning';
import { type VersionPosition, VersionSwitcher } from '#components/chat/version-switcher';
import { Markdown } from '#components/markdown/markdown';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { CopyButton } from '#components/ui/copy-button';
import { IconButton } from '#components/ui/icon-button';
import { Notice } from '#components/ui/notice';
import { TurnIcon } from '#components/ui/turn-icon';
import { formatCount, formatDuration, formatQueuePosition } from '#lib/browser/format';
import { RunPlaceContext } from '../code-run/run-place.ts';
import { type AssistantMessage, isRunning } from './conversation.ts';
import { chatStore } from './use-chat.ts';

interface ResponseTurnProps extends VersionPosition {
  message: AssistantMessage;
  onRegenerate: (responseId: string) => void;
}

export const ResponseTurn = memo(function ResponseTurn({ message, onRegenerate, ...position }: ResponseTurnProps) {
  const running = isRunning(message);
  // No text arrived: the notice has the only useful button.
  const isRefused = message.failure !== undefined && message.content === '' && position.count < 2;
  const isEmpty = message.content === '' && message.thinking === '';
  return (
    <article aria-label="Answer" aria-busy={running} className="group/turn">
      {message.thinking === '' ? null : <Reasoning message={message} />}
      {running && isEmpty ? <Waiting message={message} /> : null}
      {message.content === '' ? null : (
        <RunPlaceContext value={`${message.conversationId}/${message.id}`}>
          <Markdown text={message.content} streaming={running} />
        </RunPlaceContext>
      )}
      {message.state === 'done' && isEmpty ? <p className="text-ink-2">The model ended without a word.</p> : null}
      {message.failure === undefined ? null : (
        <Notice
          kind="error"
          className="mt-3"
          action={
            <Button size="sm" onClick={() => onRegenerate(message.id)}>
              Try again
            </Button>
          }
        >
          {message.failure.message}
        </Notice>
      )}
      {message.stopFailure === undefined ? null : (
        <Notice
          kind="error"
          className="mt-3"
          action={
            <Button size="sm" onClick={() => chatStore().stop(message.conversationId, message.id)}>
              Stop again
            </Button>
          }
        >
          The model could not be told to stop, and may still be at work. {message.stopFailure}
        </Notice>
      )}
      {running || isRefused ? null : <Footer message={message} {...position} onRegenerate={onRegenerate} />}
    </article>
  );
});

function Waiting({ message }: { message: AssistantMessage }) {
  const { queue } = message;
  return (
    <p className="flex items-center gap-2.5 text-ink-2">
      <span className="size-2 shrink-0 rounded-full bg-accent breathing" />
      {queue === undefined
        ? 'Waiting for the first word'
        : `In the queue: ${formatQueuePosition(queue.position, queue.waitMs)}`}
    </p>
  );
}

function Footer({ message, onRegenerate, ...position }: ResponseTurnProps) {
  return (
    <footer className="mt-2 -ms-2 flex min-h-8 flex-wrap items-center gap-x-1 gap-y-1 text-ink-3 text-xs">
      {message.content === '' ? null : <CopyButton text={message.content} label="Copy the answer" />}
      <IconButton label="Ask again" onClick={() => onRegenerate(message.id)}>
        <TurnIcon name="refresh-cw" />
      </IconButton>
      <VersionSwitcher conversationId={message.conversationId} {...position} />
      <span className="ms-2 flex flex-wrap items-center gap-x-2 gap-y-1">
        {message.source === 'cached' ? (
          <Badge tone="cached" icon={<Zap className="size-3" aria-hidden />}>
            From the cache
          </Badge>
        ) : null}
        {message.source === 'joined' ? (
          <Badge tone="accent" icon={<Split className="size-3" aria-hidden />}>
            Joined a running answer
          </Badge>
        ) : null}
        {message.state === 'stopped' ? <Badge>Stopped</Badge> : null}
        {message.doneReason === 'length' ? <Badge tone="warn">Cut at the length limit</Badge> : null}
        <span className="tabular [overflow-wrap:anywhere]">{facts(message).join(' · ')}</span>
      </span>
    </footer>
  );
}

function facts(message: AssistantMessage): string[] {
  const list: string[] = [];
  if (message.model !== undefined) list.push(message.model);
  if (message.completionTokens !== undefined) list.push(`${formatCount(message.completionTokens)} tokens`);
  if (message.tokensPerSecond !== undefined) list.push(`${formatCount(message.tokensPerSecond)} tokens/s`);
  if (message.firstTokenMs !== undefined && message.source === 'model')
    list.push(`first after ${formatDuration(message.firstTokenMs)}`);
  return list;
}
