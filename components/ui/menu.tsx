'use client';

import { useState } from 'react';
import { MenuTrigger } from '#components/ui/menu-trigger';
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
  return <MenuTrigger trigger={props.trigger} onPreload={popup.preload} onOpen={() => setWanted(true)} />;
}
