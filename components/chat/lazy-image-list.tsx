'use client';

import clsx from 'clsx';
import type { ImageListProps } from '#components/chat/image-list';
import { loadable, useLoaded } from '#lib/browser/loadable';

const list = loadable(() => import('#components/chat/image-list').then(({ ImageList }) => ImageList));

/** `ImageList`, loaded with the first image. Placeholders reserve its space. */
export function LazyImageList(props: ImageListProps) {
  if (useLoaded(true, list)) return <list.Component {...props} />;
  return (
    <div aria-hidden className={clsx('flex flex-wrap gap-2', props.className)}>
      {props.images.map(({ id }) => (
        <div key={id} className={clsx('skeleton', props.onRemove === undefined ? 'size-28' : 'size-16')} />
      ))}
    </div>
  );
}
