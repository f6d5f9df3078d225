'use client';

import { Select as BaseSelect } from '@base-ui/react/select';
import clsx from 'clsx';
import { Check, ChevronDown } from 'lucide-react';
import { POPUP, POPUP_ITEM, SELECT_TRIGGER, type SelectProps, shownOption } from '#components/ui/popup-props';

/** The list itself, open from its first render. */
export function SelectPopup({ label, value, options, onChange, icon, className }: SelectProps) {
  return (
    <BaseSelect.Root
      items={options}
      value={value}
      defaultOpen
      onValueChange={(next) => {
        if (next !== null) onChange(next);
      }}
    >
      <BaseSelect.Trigger aria-label={label} className={clsx(SELECT_TRIGGER, className)}>
        {icon}
        <BaseSelect.Value className="truncate">{shownOption(options, value)}</BaseSelect.Value>
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
          className="z-70 outline-none"
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
          </BaseSelect.Popup>
        </BaseSelect.Positioner>
      </BaseSelect.Portal>
    </BaseSelect.Root>
  );
}
