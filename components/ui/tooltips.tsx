'use client';

import { useEffect, useState } from 'react';
import { loadable, onFirstInput, useLoaded } from '#lib/browser/loadable';

const layer = loadable(() => import('#components/ui/tooltip-layer').then(({ TooltipLayer }) => TooltipLayer));

/** Shows all tooltips of the app, from the reader's first input on. */
export function Tooltips() {
  const [isWanted, setWanted] = useState(false);
  useEffect(() => onFirstInput(() => setWanted(true)), []);
  return useLoaded(isWanted, layer) ? <layer.Component /> : null;
}
