'use client';

import { Info, X } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { Notice } from '#components/ui/notice';
import { OperatorDetails } from '#components/ui/operator-details';
import { TextWithCode } from '#components/ui/text-with-code';
import { NOTICE_COOKIE, setCookie, shortHash } from '#lib/browser/cookies';
import { isSignedOut, modelsFailure, useModels } from '#lib/browser/service-status';
import { modelState } from './model-state.ts';
import { MODEL_STRINGS as S } from './strings/models.ts';

interface ModelNoticeProps {
  /** Collapsed to one expandable line, inside a conversation. */
  compact: boolean;
  /** The notice to show until the models are known. */
  first: string | null;
  /** Hash of the notice that the reader hid before. */
  hidden: string | undefined;
  /** Null: the server's default. */
  model: string | null;
  onChoose: (model: string) => void;
}

const LOOK_AGAIN_MS = 5_000;

/**
 * Says why no model responds or the chosen one cannot, with the way out, or that the small built-in
 * one responds. Server-rendered: as the longest text of an empty chat it decides the largest
 * contentful paint.
 */
export function ModelNotice({ compact, first, hidden, model, onChoose }: ModelNoticeProps) {
  const { data, error, mutate } = useModels();
  const [dismissed, setDismissed] = useState(hidden);
  const state = data === undefined ? undefined : modelState(data, model);
  const isDown = state?.kind === 'down';
  useEffect(() => {
    if (!isDown) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void mutate();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [isDown, mutate]);
  const retry = (
    <Button size="sm" onClick={() => void mutate()}>
      {S.retry}
    </Button>
  );
  // The frame of the page says so, and asks to sign in.
  if (isSignedOut(error)) return null;
  if (error !== undefined && data === undefined)
    return (
      <Notice kind="error" className="mb-2" action={retry}>
        <TextWithCode text={modelsFailure(error).sentence} />
      </Notice>
    );
  if (state?.kind === 'down') return <ServerDown reasons={state.reasons} retry={retry} />;
  if (state?.kind === 'missing')
    return (
      <Notice
        kind="warn"
        className="mb-2"
        action={
          <Button size="sm" onClick={() => onChoose(state.instead)}>
            <span className="max-w-48 truncate">{S.chooseInstead(state.instead)}</span>
          </Button>
        }
      >
        {S.modelMissing(state.name)}
      </Notice>
    );
  const notice = data === undefined ? first : data.notice;
  if (notice === null || shortHash(notice) === dismissed) return null;
  return (
    <ServerNotice
      notice={notice}
      compact={compact}
      isSmallModel={data?.models.some(({ provider }) => provider === 'embedded') === true}
      onDismiss={() => {
        setCookie(NOTICE_COOKIE, shortHash(notice));
        setDismissed(shortHash(notice));
      }}
    />
  );
}

/** Says what a person can do, and what an operator needs to know. */
function ServerDown({ reasons, retry }: { reasons: readonly string[]; retry: ReactNode }) {
  return (
    <Notice kind="error" className="mb-2" action={retry}>
      <p>{S.serverDown}</p>
      {reasons.length === 0 ? null : (
        <details className="mt-0.5 text-ink-2 text-xs">
          <summary className="w-fit cursor-pointer py-1 pointer-coarse:py-3">{S.operatorDetails}</summary>
          {reasons.map((reason) => (
            <p key={reason} className="pb-1">
              <TextWithCode text={reason} />
            </p>
          ))}
        </details>
      )}
    </Notice>
  );
}

interface ServerNoticeProps {
  notice: string;
  compact: boolean;
  isSmallModel: boolean;
  onDismiss: () => void;
}

/** The first sentence is for everyone, what follows is for the person who runs the server. */
function ServerNotice({ notice, compact, isSmallModel, onDismiss }: ServerNoticeProps) {
  const [open, setOpen] = useState(false);
  const first = firstSentence(notice);
  if (compact && !open)
    return (
      <button
        type="button"
        aria-expanded={false}
        data-quiet
        onClick={() => setOpen(true)}
        className="mb-1 -ms-1.5 flex min-h-7 max-w-full items-center gap-1.5 rounded-md px-1.5 text-ink-3 text-xs transition-colors hover:bg-hover hover:text-ink pointer-coarse:min-h-10"
      >
        <Info className="size-3.5 shrink-0" strokeWidth={1.75} aria-hidden />
        <span className="truncate">{isSmallModel ? S.smallModel : first}</span>
      </button>
    );
  return (
    <Notice
      className="mb-2 flex-nowrap! items-start! py-1.5 pe-1"
      action={
        <IconButton
          label={S.dismiss}
          className="size-7 pointer-coarse:size-10"
          onClick={() => {
            if (compact) setOpen(false);
            else onDismiss();
          }}
        >
          <X className="size-4" aria-hidden />
        </IconButton>
      }
    >
      <div className="text-ink-2">
        <TextWithCode text={first} />
        <OperatorDetails text={notice.slice(first.length).trim()} />
      </div>
    </Notice>
  );
}

/** A model name contains dots too, but no space after them. */
function firstSentence(text: string): string {
  const end = text.indexOf('. ');
  return end === -1 ? text : text.slice(0, end + 1);
}
