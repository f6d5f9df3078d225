'use client';

import { Info, X } from 'lucide-react';
import { useState } from 'react';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { Notice } from '#components/ui/notice';
import { TextWithCode } from '#components/ui/text-with-code';
import { NOTICE_COOKIE, setCookie, shortHash } from '#lib/browser/cookies';
import { useModels } from '#lib/browser/service-status';

interface ModelNoticeProps {
  /** Collapsed to one expandable line, inside a conversation. */
  compact: boolean;
  /** The notice to show until the models are known. */
  first: string | null;
  /** Hash of the notice that the reader hid before. */
  hidden: string | undefined;
}

/**
 * Explains that the small built-in model responds and how to get a better one, or why none does.
 * Server-rendered: as the longest text of an empty chat it decides the largest contentful paint.
 */
export function ModelNotice({ compact, first, hidden }: ModelNoticeProps) {
  const { data, error, mutate } = useModels();
  const [dismissed, setDismissed] = useState(hidden);
  const [open, setOpen] = useState(false);
  if (error !== undefined && data === undefined)
    return (
      <Notice
        kind="error"
        className="mb-2"
        action={
          <Button size="sm" onClick={() => void mutate()}>
            Look again
          </Button>
        }
      >
        {error.message}
      </Notice>
    );
  const notice = data === undefined ? first : data.notice;
  if (notice === null || shortHash(notice) === dismissed) return null;
  const dismiss = () => {
    setCookie(NOTICE_COOKIE, shortHash(notice));
    setDismissed(shortHash(notice));
  };
  if (compact && !open)
    return (
      <button
        type="button"
        aria-expanded={false}
        onClick={() => setOpen(true)}
        className="mb-1 -ms-1.5 flex min-h-7 max-w-full items-center gap-1.5 rounded-md px-1.5 text-ink-3 text-xs transition-colors hover:bg-hover hover:text-ink pointer-coarse:min-h-10"
      >
        <Info className="size-3.5 shrink-0" strokeWidth={1.75} aria-hidden />
        <span className="truncate">{firstSentence(notice)}</span>
      </button>
    );
  return (
    <Notice
      className="mb-2 flex-nowrap! items-start! py-1.5 pe-1"
      action={
        <IconButton
          label="Hide this note"
          className="size-7 pointer-coarse:size-8"
          onClick={() => {
            if (compact) setOpen(false);
            else dismiss();
          }}
        >
          <X className="size-4" aria-hidden />
        </IconButton>
      }
    >
      <span className="text-ink-2">
        <TextWithCode text={notice} />
      </span>
    </Notice>
  );
}

/** A model name contains dots too, but no space after them. */
function firstSentence(text: string): string {
  const end = text.indexOf('. ');
  return end === -1 ? text : text.slice(0, end + 1);
}
