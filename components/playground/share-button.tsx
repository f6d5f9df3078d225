'use client';

import { Check, Link2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { copyText } from '#lib/browser/clipboard';

const SHOWN_MS = 1_600;

/**
 * Copies a link with the whole program. If copying is not allowed, the link is in the address bar.
 */
export function ShareButton({ link }: { link: () => Promise<string> }) {
  const [label, setLabel] = useState(IDLE);
  useEffect(() => {
    if (label === IDLE) return;
    const timer = setTimeout(() => setLabel(IDLE), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [label]);
  const copy = async () => {
    const url = await link();
    try {
      await copyText(url);
      setLabel(COPIED);
    } catch {
      setLabel('The link is in the address line');
    }
  };
  return (
    <IconButton label={label} side="bottom" onClick={() => void copy()}>
      {label === COPIED ? (
        <Check className="size-4 text-good" aria-hidden />
      ) : (
        <Link2 className="size-4" strokeWidth={1.75} aria-hidden />
      )}
    </IconButton>
  );
}

const IDLE = 'Copy a link to this program';
const COPIED = 'Link copied';
