'use client';

import { useState } from 'react';
import { StatusTrigger } from '#components/shell/status-trigger';
import { loadable, useLoaded } from '#lib/browser/loadable';
import type { Service } from './use-services.ts';

const popup = loadable(() => import('#components/shell/status-popup').then(({ StatusPopup }) => StatusPopup));

/** A dot that opens a popover. The popover's code is loaded when a pointer or the focus is near. */
export function StatusButton({ service }: { service: Service }) {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup, () => setWanted(false));
  if (isThere) return <popup.Component service={service} />;
  return (
    <StatusTrigger
      service={service}
      aria-haspopup="dialog"
      aria-expanded={false}
      onClick={() => setWanted(true)}
      onPointerEnter={popup.preload}
      onFocus={popup.preload}
    />
  );
}
