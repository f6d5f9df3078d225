'use client';

import { Paperclip } from 'lucide-react';
import { useRef } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { COMPOSER_STRINGS } from './strings/composer.ts';

/**
 * Opens a file chooser. It offers every file: a text may have any extension, and what is no text
 * and no image is refused with a sentence.
 */
export function AttachButton({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label={COMPOSER_STRINGS.attach} onClick={() => field.current?.click()}>
        <Paperclip className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
      </IconButton>
      <input
        ref={field}
        type="file"
        multiple
        aria-label={COMPOSER_STRINGS.filesField}
        className="hidden"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </>
  );
}
