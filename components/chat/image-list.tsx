'use client';

import clsx from 'clsx';
import { X } from 'lucide-react';
import Image from 'next/image';
import { useState } from 'react';
import { Dialog } from '#components/ui/dialog';
import { tip } from '#components/ui/tooltip';
import type { ChatImage } from './conversation.ts';
import { imageUrl } from './images.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';

export interface ImageListProps {
  images: readonly ChatImage[];
  /** Given if images can be removed. */
  onRemove?: (id: string) => void;
  className?: string;
}

/** Thumbnails of a question's images. Each opens at full size. */
export function ImageList({ images, onRemove, className }: ImageListProps) {
  const [open, setOpen] = useState<ChatImage>();
  return (
    <>
      <ul aria-label={COMPOSER_STRINGS.images} className={clsx('flex flex-wrap gap-2', className)}>
        {images.map((image) => (
          <li key={image.id} className="relative">
            <button
              type="button"
              aria-label={COMPOSER_STRINGS.showImage(image.name)}
              onClick={() => setOpen(image)}
              className="block overflow-hidden rounded-md border bg-sunken"
            >
              <Image
                unoptimized
                src={imageUrl(image)}
                alt={image.name}
                width={image.width}
                height={image.height}
                decoding="async"
                className={clsx('object-cover', onRemove === undefined ? 'size-28' : 'size-16')}
              />
            </button>
            {onRemove === undefined ? null : (
              <button
                {...tip(COMPOSER_STRINGS.removeFile(image.name))}
                type="button"
                aria-label={COMPOSER_STRINGS.removeFile(image.name)}
                onClick={() => onRemove(image.id)}
                className="absolute -end-1.5 -top-1.5 flex size-6 items-center justify-center rounded-full border bg-surface text-ink-2 shadow-float hover:text-ink"
              >
                <X className="size-3.5" aria-hidden />
              </button>
            )}
          </li>
        ))}
      </ul>
      <Dialog
        open={open !== undefined}
        onOpenChange={(next) => {
          if (!next) setOpen(undefined);
        }}
        title={open?.name ?? COMPOSER_STRINGS.image}
        wide
      >
        {open === undefined ? null : (
          <Image
            unoptimized
            src={imageUrl(open)}
            alt={open.name}
            width={open.width}
            height={open.height}
            className="mx-auto h-auto max-h-[calc(100dvh-8rem)] w-auto max-w-full rounded-md"
          />
        )}
      </Dialog>
    </>
  );
}
