import type { ReactElement, ReactNode } from 'react';

/** Props and classes shared by a trigger and its popup, whose code is loaded later. */

export interface MenuEntry {
  label: string;
  icon?: ReactNode;
  danger?: boolean;
  /** Given for an entry of a choice. */
  checked?: boolean;
  onSelect: () => void;
}

interface TriggerProps {
  onClick?: () => void;
  onPointerEnter?: () => void;
  onFocus?: () => void;
  'aria-haspopup'?: 'menu';
  'aria-expanded'?: boolean;
}

export interface MenuProps {
  trigger: ReactElement<TriggerProps>;
  items: readonly MenuEntry[];
  align?: 'start' | 'center' | 'end';
  side?: 'top' | 'bottom' | 'left' | 'right';
}

export interface Option {
  value: string;
  label: string;
  /** The value in the closed list, where the label alone does not say what is chosen. */
  shown?: string | undefined;
  /** A second, quieter line. */
  hint?: string | undefined;
}

export interface SelectProps {
  label: string;
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
  /** Before the chosen value. */
  icon?: ReactNode;
  className?: string;
}

/** The words of the chosen option in the closed list. */
export function shownOption(options: readonly Option[], value: string): string {
  const chosen = options.find((option) => option.value === value);
  return chosen?.shown ?? chosen?.label ?? value;
}

export interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Called after the exit animation: what opens now keeps the focus. */
  onClosed?: () => void;
  title: string;
  /** As wide as the content, if the window allows. */
  wide?: boolean;
  /**
   * `top` anchors the upper edge, so that content of changing height does not move it. Screen
   * readers alone get the title, and the content has its own close button.
   */
  placement?: 'center' | 'top';
  children: ReactNode;
}

export interface ConfirmProps extends Omit<DialogProps, 'children' | 'onClosed' | 'wide' | 'placement'> {
  description: string;
  /** A verb: the action of the button. */
  action: string;
  /** The button that changes nothing. @default "Cancel" */
  cancel?: string;
  danger?: boolean;
  onConfirm: () => void;
}

export const POPUP =
  'min-w-40 max-w-[min(28rem,calc(100vw-1rem))] rounded-lg bg-surface p-1 shadow-float outline-none transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0';

export const POPUP_ITEM =
  'flex min-h-8 select-none items-center gap-2.5 rounded-md px-2.5 py-1.5 text-sm outline-none data-highlighted:bg-hover data-disabled:opacity-50 pointer-coarse:min-h-10';

export const SELECT_TRIGGER =
  'inline-flex h-8 min-w-0 select-none items-center gap-1.5 rounded-md px-2.5 font-medium text-sm transition-colors hover:bg-hover data-popup-open:bg-hover pointer-coarse:h-10';
