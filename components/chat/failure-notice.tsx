'use client';

import { useEffect, useState } from 'react';
import { ResponseMenu } from '#components/chat/response-menu';
import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { OperatorDetails } from '#components/ui/operator-details';
import { TextWithCode } from '#components/ui/text-with-code';
import { errorDetails, errorReason, errorSentence } from '#lib/browser/error-sentence';
import { isSignedOut, useModels } from '#lib/browser/service-status';
import { contextFailure } from './context-failure.ts';
import type { AssistantMessage, ResponseFailure } from './conversation.ts';
import { failureAction } from './failure-action.ts';
import type { OnRegenerate } from './response-menu-props.ts';
import { TURN_STRINGS } from './strings/turns.ts';
import { chatStore, useChatSelector } from './use-chat.ts';

interface FailureNoticeProps {
  message: AssistantMessage;
  failure: ResponseFailure;
  onRegenerate: OnRegenerate;
}

/** Why a response failed, and the one button that helps. */
export function FailureNotice({ message, failure, onRegenerate }: FailureNoticeProps) {
  const isRetrying = useChatSelector(({ activity }) => activity.get(message.id) === 'retrying');
  const seconds = useSecondsUntil(failure.retryAt);
  const tooLong = useChatSelector(({ threads }) => {
    const thread = failure.code === 'context_length_exceeded' ? threads.get(message.conversationId) : undefined;
    return thread === undefined ? undefined : contextFailure(thread, message);
  });
  return (
    <Notice
      kind="error"
      className="mt-3"
      action={
        isRetrying ? (
          <Button size="sm" onClick={() => chatStore().cancelRetry(message.id)}>
            {TURN_STRINGS.cancelRetry}
          </Button>
        ) : (
          <Action message={message} failure={failure} seconds={seconds} onRegenerate={onRegenerate} />
        )
      }
    >
      <TextWithCode text={tooLong ?? sentenceOf(failure)} />
      <OperatorDetails text={errorDetails(failure)} />
      {isRetrying ? (
        // Announced once with the sentence, not with each second.
        <span role="timer" aria-live="off" className="tabular ms-1">
          {TURN_STRINGS.retryingIn(Math.max(1, seconds))}
        </span>
      ) : null}
    </Notice>
  );
}

function Action({ message, failure, seconds, onRegenerate }: FailureNoticeProps & { seconds: number }) {
  const { error } = useModels();
  switch (failureAction(message, failure, isSignedOut(error))) {
    case 'none':
      return null;
    case 'choose-model':
      return (
        <ResponseMenu
          message={message}
          kind="models"
          hasVersions={false}
          onRegenerate={onRegenerate}
          trigger={<Button size="sm">{TURN_STRINGS.chooseAnotherModel}</Button>}
        />
      );
    case 'continue':
      return (
        <Button size="sm" onClick={() => onRegenerate(message.id, { continues: true })}>
          {TURN_STRINGS.continue}
        </Button>
      );
    case 'regenerate':
      return (
        <Button size="sm" onClick={() => onRegenerate(message.id)}>
          {TURN_STRINGS.regenerate}
        </Button>
      );
    case 'try-again':
      return (
        <Button size="sm" className="tabular" disabled={seconds > 0} onClick={() => onRegenerate(message.id)}>
          {seconds > 0 ? TURN_STRINGS.retryPossibleIn(seconds) : TURN_STRINGS.tryAgain}
        </Button>
      );
  }
}

function sentenceOf(failure: ResponseFailure): string {
  // The frame of the page asks to sign in, with the button.
  if (failure.code === 'unauthorized') return TURN_STRINGS.sessionHadEnded;
  // The countdown says when to try again.
  return failure.retryAt === undefined ? errorSentence(failure) : errorReason(failure);
}

/** Whole seconds until `at`, counted down; 0 afterwards and without a time. */
function useSecondsUntil(at: number | undefined): number {
  const [now, setNow] = useState(() => Date.now());
  const isAhead = at !== undefined && at > now;
  useEffect(() => {
    if (!isAhead) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isAhead]);
  return at === undefined ? 0 : Math.max(0, Math.ceil((at - now) / 1000));
}
