'use client';

import { Check } from 'lucide-react';
import { useEffect, useState } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { TurnIcon } from '#components/ui/turn-icon';
import { COPIED_MS, COPY_LABELS, copyText } from '#lib/browser/clipboard';

interface CopyButtonProps {
  text: string;
  label?: string;
  className?: string;
  /** False while the icon would be invisible anyway. */
  hasIcon?: boolean;
}

export function CopyButton({ text, label = 'Copy', className, hasIcon = true }: CopyButtonProps) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), COPIED_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const currentLabel = { idle: label, ...COPY_LABELS }[state];
  return (
    <IconButton
      label={currentLabel}
      className={className ?? ''}
      onClick={() => {
        copyText(text).then(
          () => setState('copied'),
          () => setState('failed'),
        );
      }}
    >
      {state === 'copied' ? (
        <Check className="size-4 text-good" aria-hidden />
      ) : hasIcon ? (
        <TurnIcon name="copy" />
      ) : null}
    </IconButton>
  );
}
