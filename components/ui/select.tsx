import { Select as BaseSelect } from '@base-ui/react/select';
import clsx from 'clsx';
import { Check, ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { POPUP, POPUP_ITEM } from '#components/ui/menu';

export interface Option {
  value: string;
  label: string;
  /** A second, quieter line. */
  hint?: string | undefined;
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
  disabled?: boolean;
  className?: string;
  /** Below the options: what the reader should know of them. */
  footer?: ReactNode;
}

export function Select({ label, value, options, onChange, disabled = false, className, footer }: SelectProps) {
  return (
    <BaseSelect.Root
      items={options}
      value={value}
      onValueChange={(next) => {
        if (next !== null) onChange(next);
      }}
      disabled={disabled}
    >
      <BaseSelect.Trigger
        aria-label={label}
        className={clsx(
          'inline-flex h-8 min-w-0 select-none items-center gap-1.5 rounded-md px-2.5 font-medium text-sm transition-colors hover:bg-hover data-popup-open:bg-hover pointer-coarse:h-10',
          className,
        )}
      >
        <BaseSelect.Value className="truncate" />
        <BaseSelect.Icon>
          <ChevronDown className="size-3.5 text-ink-3" aria-hidden />
        </BaseSelect.Icon>
      </BaseSelect.Trigger>
      <BaseSelect.Portal>
        <BaseSelect.Positioner
          alignItemWithTrigger={false}
          align="start"
          sideOffset={6}
          collisionPadding={8}
          className="z-50 outline-none"
        >
          <BaseSelect.Popup className={clsx(POPUP, 'min-w-56')}>
            <BaseSelect.List className="scroller max-h-[min(24rem,var(--available-height))]">
              {options.map((option) => (
                <BaseSelect.Item key={option.value} value={option.value} className={POPUP_ITEM}>
                  <span className="min-w-0 grow">
                    <BaseSelect.ItemText className="block truncate">{option.label}</BaseSelect.ItemText>
                    {option.hint === undefined ? null : (
                      <span className="block truncate text-ink-3 text-xs">{option.hint}</span>
                    )}
                  </span>
                  <BaseSelect.ItemIndicator>
                    <Check className="size-4 text-accent" aria-hidden />
                  </BaseSelect.ItemIndicator>
                </BaseSelect.Item>
              ))}
            </BaseSelect.List>
            {footer}
          </BaseSelect.Popup>
        </BaseSelect.Positioner>
      </BaseSelect.Portal>
    </BaseSelect.Root>
  );
}
