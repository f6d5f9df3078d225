'use client';

import { X } from 'lucide-react';
import { IconButton } from '#components/ui/icon-button';
import { Notice } from '#components/ui/notice';
import { Sentence } from '#components/ui/sentence';
import { useModels } from '#lib/client/status';
import { useStored } from '#lib/client/stored';

/** Says that the small built-in model answers and how to get a better one, or that none does. */
export function ModelNotice() {
  const { data, error } = useModels();
  const [dismissed, dismiss] = useStored('dismissed-notice');
  if (error !== undefined && data === undefined)
    return (
      <Notice kind="error" className="mb-2">
        {error.message}
      </Notice>
    );
  const notice = data?.notice ?? null;
  if (notice === null || notice === dismissed) return null;
  return (
    <Notice
      className="mb-2 flex-nowrap! items-start! py-1.5 pe-1"
      action={
        <IconButton label="Hide this note" className="size-7 pointer-coarse:size-8" onClick={() => dismiss(notice)}>
          <X className="size-4" aria-hidden />
        </IconButton>
      }
    >
      <span className="text-ink-2">
        <Sentence text={notice} />
      </span>
    </Notice>
  );
}
