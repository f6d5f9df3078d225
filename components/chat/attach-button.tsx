'use client';

import { ImagePlus } from 'lucide-react';
import { useRef } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { ACCEPTED_FILES } from './images.ts';

/** Opens a file chooser for images. */
export function AttachButton({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label="Attach pictures" onClick={() => field.current?.click()}>
        <ImagePlus className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
      </IconButton>
      <input
        ref={field}
        type="file"
        multiple
        accept={ACCEPTED_FILES}
        aria-label="Pictures to attach"
        className="hidden"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </>
  );
}
