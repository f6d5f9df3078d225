'use client';

import { CornerDownLeft, X } from 'lucide-react';
import { useContext } from 'react';
import { RunView } from '#components/code-run/run-view';
import { AskContext } from '#components/markdown/ask-context';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { questionAbout } from '../code-run/question-about.ts';
import { CODE_RUN_STRINGS as STRINGS } from '../code-run/strings.ts';
import type { RunResultProps } from './run-result-props.ts';

/** The result of a program below its code block, with what can be done with it. */
export function RunResult({ run, file, onRetry, onClose, onOpenPlayground }: RunResultProps) {
  const ask = useContext(AskContext);
  const isOver = run.state === 'ended' || run.state === 'stopped';
  return (
    <RunView
      run={run}
      kind="block"
      label={STRINGS.chatOutput}
      onRetry={onRetry}
      input={{
        asked: STRINGS.askedForInputInChat,
        reads: STRINGS.readsInputInChat,
        action: STRINGS.openPlayground,
        onOpen: onOpenPlayground,
      }}
      actions={
        <>
          {isOver && ask !== undefined ? (
            <Button
              kind="quiet"
              size="sm"
              aria-label={STRINGS.askAboutOutput}
              onClick={() => ask(questionAbout(run, file))}
            >
              <CornerDownLeft className="size-3" aria-hidden />
              <span className="sm:hidden">{STRINGS.askShort}</span>
              <span className="max-sm:hidden">{STRINGS.askAboutOutput}</span>
            </Button>
          ) : null}
          <IconButton label={STRINGS.closeOutput} onClick={onClose}>
            <X className="size-4" strokeWidth={1.75} aria-hidden />
          </IconButton>
        </>
      }
    />
  );
}
