'use client';

import { cloneElement, useState } from 'react';
import type { MenuProps } from '#components/ui/popup-props';
import { loadable, useLoaded } from '#lib/browser/loadable';

const popup = loadable(() => import('#components/ui/menu-popup').then(({ MenuPopup }) => MenuPopup));

/**
 * A button with a menu. The menu's code is loaded when a pointer or the focus reaches the button.
 */
export function Menu(props: MenuProps) {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup, () => setWanted(false));
  if (isThere) return <popup.Component {...props} />;
  return cloneElement(props.trigger, {
    onClick: () => setWanted(true),
    onPointerEnter: popup.preload,
    onFocus: popup.preload,
    'aria-haspopup': 'menu',
    'aria-expanded': false,
  });
}
