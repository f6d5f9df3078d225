import { Button as BaseButton } from '@base-ui/react/button';
import clsx from 'clsx';
import type { ComponentProps } from 'react';
import { Tooltip } from '#components/ui/tooltip';

export interface IconButtonProps extends ComponentProps<typeof BaseButton> {
  /** The accessible name, and the tooltip. */
  label: string;
  shortcut?: string;
  side?: 'top' | 'bottom' | 'left' | 'right';
  className?: string;
}

/** A button that is an icon. Its words are in the tooltip, on hover and on focus. */
export function IconButton({ label, shortcut, side, className, ...props }: IconButtonProps) {
  return (
    <Tooltip label={label} shortcut={shortcut} side={side ?? 'top'}>
      <BaseButton aria-label={label} className={clsx(ICON_BUTTON, className)} {...props} />
    </Tooltip>
  );
}

export const ICON_BUTTON =
  'inline-flex size-8 shrink-0 items-center justify-center rounded-md text-ink-2 transition-colors hover:bg-hover hover:text-ink active:bg-pressed disabled:opacity-50 data-popup-open:bg-hover pointer-coarse:size-10';
