'use client';

import clsx from 'clsx';
import { X } from 'lucide-react';
import Image from 'next/image';
import { useState } from 'react';
import { Dialog } from '#components/ui/dialog';
import { tip } from '#components/ui/tooltip';
import type { ChatImage } from './conversation.ts';
import { imageUrl } from './images.ts';

export interface ImageListProps {
  pictures: readonly ChatImage[];
  /** Given where a picture can still be taken away. */
  onRemove?: (id: string) => void;
  className?: string;
}

/** Pictures of a question, small; each opens large. */
export function ImageList({ pictures, onRemove, className }: ImageListProps) {
  const [open, setOpen] = useState<ChatImage>();
  return (
    <>
      <ul aria-label="Pictures" className={clsx('flex flex-wrap gap-2', className)}>
        {pictures.map((picture) => (
          <li key={picture.id} className="relative">
            <button
              type="button"
              aria-label={`Show ${picture.name}`}
              onClick={() => setOpen(picture)}
              className="block overflow-hidden rounded-md border bg-sunken"
            >
              <Image
                unoptimized
                src={imageUrl(picture)}
                alt={picture.name}
                width={picture.width}
                height={picture.height}
                decoding="async"
                className={clsx('object-cover', onRemove === undefined ? 'size-28' : 'size-16')}
              />
            </button>
            {onRemove === undefined ? null : (
              <button
                {...tip(`Remove ${picture.name}`)}
                type="button"
                aria-label={`Remove ${picture.name}`}
                onClick={() => onRemove(picture.id)}
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
        title={open?.name ?? 'Picture'}
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
