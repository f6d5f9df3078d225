import clsx from 'clsx';
import type { ComponentProps } from 'react';

type Kind = 'primary' | 'secondary' | 'quiet' | 'danger';

export interface ButtonProps extends ComponentProps<'button'> {
  kind?: Kind;
  size?: 'sm' | 'md';
}

const KINDS: Record<Kind, string> = {
  primary: 'bg-accent-fill text-on-accent hover:not-disabled:bg-accent-fill-hover',
  secondary: 'border border-line bg-surface text-ink hover:not-disabled:bg-hover active:not-disabled:bg-pressed',
  quiet: 'text-ink-2 hover:not-disabled:bg-hover hover:not-disabled:text-ink active:not-disabled:bg-pressed',
  danger: 'bg-error-fill text-on-accent hover:not-disabled:brightness-95',
};

/** A button with a text. 40 px high on touch screens. */
export function Button({ kind = 'secondary', size = 'md', className, ...props }: ButtonProps) {
  return <button type="button" className={clsx(buttonClasses(kind, size), className)} {...props} />;
}

export function buttonClasses(kind: Kind, size: 'sm' | 'md'): string {
  return clsx(
    'inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-md font-medium',
    'transition-colors disabled:cursor-not-allowed disabled:opacity-50 data-popup-open:bg-hover pointer-coarse:min-h-10',
    size === 'sm' ? 'h-7 px-2 text-xs' : 'h-8 px-3 text-sm',
    KINDS[kind],
  );
}
