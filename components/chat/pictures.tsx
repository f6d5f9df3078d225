'use client';

import clsx from 'clsx';
import { lazy, Suspense } from 'react';
import type { PicturesProps } from '#components/chat/picture-list';

const PictureList = lazy(() => import('#components/chat/picture-list'));

/** Pictures of a question, small; each opens large. The code for them comes with the first one, which has its place from the start. */
export function Pictures(props: PicturesProps) {
  return (
    <Suspense
      fallback={
        <div aria-hidden className={clsx('flex flex-wrap gap-2', props.className)}>
          {props.pictures.map(({ id }) => (
            <div key={id} className={clsx('skeleton', props.onRemove === undefined ? 'size-28' : 'size-16')} />
          ))}
        </div>
      }
    >
      <PictureList {...props} />
    </Suspense>
  );
}
