'use client';

import { useEffect, useState } from 'react';
import { loadable, onFirstInput, useLoaded } from '#lib/browser/loadable';

const layer = loadable(() => import('#components/ui/tooltip-layer').then(({ TooltipLayer }) => TooltipLayer));

/** Shows all tooltips of the app, from the reader's first input on. */
export function Tooltips() {
  const [isWanted, setWanted] = useState(false);
  const [tapped, setTapped] = useState<Element | null>();
  const isThere = useLoaded(isWanted, layer);
  useEffect(() => onFirstInput(() => setWanted(true)), []);
  useEffect(() => {
    if (isThere) return;
    const onClick = ({ target }: MouseEvent) =>
      setTapped(target instanceof Element ? target.closest('[data-tip-tap]') : null);
    document.addEventListener('click', onClick, true);
    return () => document.removeEventListener('click', onClick, true);
  }, [isThere]);
  return isThere ? <layer.Component tapped={tapped} /> : null;
}
