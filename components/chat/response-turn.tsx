'use client';

import { Split, Trash2, Zap } from 'lucide-react';
import { memo, useContext } from 'react';
import { FailureNotice } from '#components/chat/failure-notice';
import { MessageTime } from '#components/chat/message-time';
import { Reasoning } from '#components/chat/reasoning';
import { ResponseMenu } from '#components/chat/response-menu';
import { ResponseProgress } from '#components/chat/response-progress';
import { type VersionPosition, VersionSwitcher } from '#components/chat/version-switcher';
import { RichMarkdown } from '#components/markdown/rich-markdown';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { CopyButton } from '#components/ui/copy-button';
import { IconButton } from '#components/ui/icon-button';
import { Notice } from '#components/ui/notice';
import { tip } from '#components/ui/tooltip';
import { TurnIcon } from '#components/ui/turn-icon';
import { RunPlaceContext } from '../code-run/run-place.ts';
import { type AssistantMessage, isRunning, isTextless } from './conversation.ts';
import { deleteVersion } from './delete-with-undo.ts';
import { formatMessageTime } from './format-message-time.ts';
import { OnlyModelContext } from './only-model-context.ts';
import { responseFacts } from './response-facts.ts';
import type { OnRegenerate } from './response-menu-props.ts';
import { TURN_STRINGS } from './strings/turns.ts';
import { chatStore } from './use-chat.ts';

interface ResponseTurnProps extends VersionPosition {
  message: AssistantMessage;
  onRegenerate: OnRegenerate;
}

export const ResponseTurn = memo(function ResponseTurn({ message, onRegenerate, ...position }: ResponseTurnProps) {
  const running = isRunning(message);
  // No text arrived: the notice has the only useful button.
  const isRefused = message.failure !== undefined && message.content === '' && position.count < 2;
  return (
    <article aria-label={TURN_STRINGS.response} aria-busy={running} className="group/turn">
      {message.thinking === '' ? null : <Reasoning message={message} />}
      {message.content === '' ? null : (
        <RunPlaceContext value={`${message.conversationId}/${message.id}`}>
          <RichMarkdown text={message.content} streaming={running} />
        </RunPlaceContext>
      )}
      {message.state === 'done' && isTextless(message) ? <p className="text-ink-2">{TURN_STRINGS.empty}</p> : null}
      {message.failure === undefined ? null : (
        <FailureNotice message={message} failure={message.failure} onRegenerate={onRegenerate} />
      )}
      {message.stopFailure === undefined ? null : (
        <Notice
          kind="error"
          className="mt-3"
          action={
            <Button size="sm" onClick={() => chatStore().stop(message.conversationId, message.id)}>
              {TURN_STRINGS.retryStop}
            </Button>
          }
        >
          {TURN_STRINGS.stopFailed} {message.stopFailure}
        </Notice>
      )}
      {message.cancelledBy === 'operator' && message.state === 'stopped' ? (
        <Notice
          className="mt-3"
          action={
            <Button size="sm" onClick={() => onRegenerate(message.id)}>
              {isTextless(message) ? TURN_STRINGS.askAgain : TURN_STRINGS.regenerate}
            </Button>
          }
        >
          {TURN_STRINGS.cancelledByOperator}
        </Notice>
      ) : null}
      {message.cancelledBy === 'lock-out' && message.state === 'stopped' ? (
        <Notice className="mt-3">{TURN_STRINGS.lockedOut}</Notice>
      ) : null}
      {running ? <ResponseProgress message={message} /> : null}
      {running || isRefused ? null : <Footer message={message} {...position} onRegenerate={onRegenerate} />}
    </article>
  );
});

function Footer({ message, onRegenerate, ...position }: ResponseTurnProps) {
  const isCut = message.doneReason === 'length' && message.state === 'done';
  const isStopped = message.state === 'stopped' && message.cancelledBy === undefined;
  return (
    <footer className="turn-actions mt-2 -ms-2 flex min-h-8 flex-wrap items-center gap-x-1 gap-y-1 text-ink-3 text-xs">
      {message.content === '' ? null : <CopyButton text={message.content} label={TURN_STRINGS.copy} />}
      <IconButton label={TURN_STRINGS.regenerate} onClick={() => onRegenerate(message.id)}>
        <TurnIcon name="refresh-cw" />
      </IconButton>
      <MoreActions message={message} hasVersions={position.count > 1} onRegenerate={onRegenerate} />
      <VersionSwitcher conversationId={message.conversationId} {...position} />
      <span className="ms-2 flex flex-wrap items-center gap-x-2 gap-y-1">
        {message.source === 'cached' ? (
          <span {...tip(TURN_STRINGS.cachedTip(formatMessageTime(message.createdAt, Date.now())))}>
            <Badge tone="cached" icon={<Zap className="size-3" aria-hidden />}>
              {TURN_STRINGS.cached}
            </Badge>
          </span>
        ) : null}
        {message.source === 'joined' ? (
          <Badge tone="accent" icon={<Split className="size-3" aria-hidden />}>
            {TURN_STRINGS.joined}
          </Badge>
        ) : null}
        {isStopped ? <Badge>{TURN_STRINGS.stopped}</Badge> : null}
        {isCut ? <Badge tone="warn">{TURN_STRINGS.reachedTokenLimit}</Badge> : null}
        {(isCut || isStopped) && message.content !== '' ? (
          <Button size="sm" onClick={() => onRegenerate(message.id, { continues: true })}>
            {TURN_STRINGS.continue}
          </Button>
        ) : null}
        <span className="tabular [overflow-wrap:anywhere]">{responseFacts(message).join(' · ')}</span>
        <MessageTime at={message.createdAt} />
      </span>
    </footer>
  );
}

interface MoreActionsProps {
  message: AssistantMessage;
  hasVersions: boolean;
  onRegenerate: OnRegenerate;
}

/** A menu; where it would have one entry, that entry. "Regenerate" alone uses the only model. */
function MoreActions({ message, hasVersions, onRegenerate }: MoreActionsProps) {
  const isOnlyModel = useContext(OnlyModelContext);
  if (!isOnlyModel)
    return (
      <ResponseMenu
        message={message}
        kind="all"
        hasVersions={hasVersions}
        onRegenerate={onRegenerate}
        trigger={
          <IconButton label={TURN_STRINGS.more}>
            <TurnIcon name="ellipsis" />
          </IconButton>
        }
      />
    );
  if (!hasVersions) return null;
  return (
    <IconButton label={TURN_STRINGS.deleteVersion} onClick={() => deleteVersion(message)}>
      <Trash2 className="size-4" strokeWidth={1.75} aria-hidden />
    </IconButton>
  );
}
