'use client';

import clsx from 'clsx';
import type { TextAttachmentListProps } from '#components/chat/text-attachment-chip';
import { loadable, useLoaded } from '#lib/browser/loadable';

const textAttachments = loadable(() =>
  import('#components/chat/text-attachment-chip').then(({ TextAttachmentList }) => TextAttachmentList),
);

/** `TextAttachmentList`, loaded with the first text file. Placeholders reserve its space. */
export function LazyTextAttachmentList(props: TextAttachmentListProps) {
  if (useLoaded(true, textAttachments)) return <textAttachments.Component {...props} />;
  return (
    <div aria-hidden className={clsx('flex flex-wrap gap-2', props.className)}>
      {Object.keys(props.files).map((place) => (
        <div key={place} className="skeleton h-11 w-44" />
      ))}
    </div>
  );
}
