import { cloneElement } from 'react';
import type { MenuProps } from '#components/ui/popup-props';

interface MenuTriggerProps {
  trigger: MenuProps['trigger'];
  /** Fetches the popup's code. */
  onPreload: () => void;
  onOpen: () => void;
}

/** The button of a menu whose popup is loaded when a pointer or the focus reaches it. */
export function MenuTrigger({ trigger, onPreload, onOpen }: MenuTriggerProps) {
  return cloneElement(trigger, {
    onClick: onOpen,
    onPointerEnter: onPreload,
    onFocus: onPreload,
    'aria-haspopup': 'menu',
    'aria-expanded': false,
  });
}
