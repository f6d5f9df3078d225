'use client';

import { cloneElement, lazy, Suspense, useState } from 'react';
import type { MenuProps } from '#components/ui/popup';

const load = () => import('#components/ui/menu-popup');
const preload = () => void load();
const MenuPopup = lazy(load);

/** A button with a menu. The menu's code comes when a pointer or the focus nears the button, not with the page. */
export function Menu(props: MenuProps) {
  const [wanted, setWanted] = useState(false);
  const closed = cloneElement(props.trigger, {
    onClick: () => setWanted(true),
    onPointerEnter: preload,
    onFocus: preload,
    'aria-haspopup': 'menu',
    'aria-expanded': false,
  });
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <MenuPopup {...props} />
    </Suspense>
  );
}
