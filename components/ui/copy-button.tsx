'use client';

import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { IconButton } from '#components/ui/icon-button';

const SHOWN_MS = 1_600;

export function CopyButton({ text, label = 'Copy', className }: { text: string; label?: string; className?: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const words = { idle: label, copied: 'Copied', failed: 'Copying is not allowed here' }[state];
  return (
    <IconButton
      label={words}
      className={className ?? ''}
      onClick={() => {
        copy(text).then(
          () => setState('copied'),
          () => setState('failed'),
        );
      }}
    >
      {state === 'copied' ? (
        <Check className="size-4 text-good" aria-hidden />
      ) : (
        <Copy className="size-4" strokeWidth={1.75} aria-hidden />
      )}
    </IconButton>
  );
}

/** The clipboard is only there over https and on this machine. */
function copy(text: string): Promise<void> {
  return navigator.clipboard === undefined
    ? Promise.reject(new Error('no clipboard'))
    : navigator.clipboard.writeText(text);
}
