import clsx from 'clsx';
import type { ComponentProps } from 'react';
import { tip } from '#components/ui/tooltip';

export interface IconButtonProps extends ComponentProps<'button'> {
  /** The accessible name, and the tooltip. */
  label: string;
  shortcut?: string;
  side?: 'top' | 'bottom' | 'right';
}

/** An icon as a button. Its label is a tooltip on hover and focus. */
export function IconButton({ label, shortcut, side, className, ...props }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      className={clsx(ICON_BUTTON, className)}
      {...tip(label, shortcut, side)}
      {...props}
    />
  );
}

export const ICON_BUTTON =
  'inline-flex size-8 shrink-0 items-center justify-center rounded-md text-ink-2 transition-colors hover:bg-hover hover:text-ink active:bg-pressed disabled:opacity-50 data-popup-open:bg-hover pointer-coarse:size-10';
