'use client';

import { Check, Link2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Dialog } from '#components/ui/dialog';
import { IconButton } from '#components/ui/icon-button';
import { copyText } from '#lib/browser/clipboard';
import { showToast } from '#lib/browser/toasts';
import { programLink } from './program-actions.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

const SHOWN_MS = 1_600;

interface LinkCopy {
  isCopied: boolean;
  copy: () => Promise<void>;
  /** The link that the browser did not let the page copy. */
  shown: string | undefined;
  close: () => void;
}

/** Copies a link with the whole program. The page's address stays as it is. */
export function useLinkCopy(): LinkCopy {
  const [isCopied, setCopied] = useState(false);
  const [shown, setShown] = useState<string>();
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const [actions] = useState(() => ({
    async copy() {
      const url = await programLink();
      try {
        await copyText(url);
        setCopied(true);
        showToast({ text: S.linkCopied, id: 'program-link', timeoutMs: 3_000 });
      } catch {
        setShown(url);
      }
    },
    close: () => setShown(undefined),
  }));
  return { isCopied, shown, ...actions };
}

export function ShareButton({ link }: { link: LinkCopy }) {
  return (
    <IconButton
      label={link.isCopied ? S.linkCopied : S.copyLink}
      side="bottom"
      className="max-[30rem]:hidden"
      onClick={() => void link.copy()}
    >
      {link.isCopied ? (
        <Check className="size-4 text-good" aria-hidden />
      ) : (
        <Link2 className="size-4" strokeWidth={1.75} aria-hidden />
      )}
    </IconButton>
  );
}

/** The link, where the browser does not let the page copy it. */
export function LinkDialog({ link }: { link: LinkCopy }) {
  return (
    <Dialog
      open={link.shown !== undefined}
      onOpenChange={(open) => {
        if (!open) link.close();
      }}
      title={S.linkTitle}
    >
      <p className="mb-3 text-ink-2">{S.linkHint}</p>
      <textarea
        readOnly
        rows={4}
        value={link.shown ?? ''}
        aria-label={S.link}
        onFocus={(event) => event.target.select()}
        className="w-full resize-none break-all rounded-md border border-line-strong bg-canvas px-3 py-2 font-mono text-sm outline-none"
      />
    </Dialog>
  );
}
