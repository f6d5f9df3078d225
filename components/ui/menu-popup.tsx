'use client';

import { Menu as BaseMenu } from '@base-ui/react/menu';
import clsx from 'clsx';
import { Check } from 'lucide-react';
import { type MenuProps, POPUP, POPUP_ITEM } from '#components/ui/popup-props';

/** The menu itself, open from its first render. */
export function MenuPopup({ trigger, items, align = 'end', side = 'bottom' }: MenuProps) {
  return (
    <BaseMenu.Root defaultOpen>
      <BaseMenu.Trigger render={trigger} />
      <BaseMenu.Portal>
        <BaseMenu.Positioner
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-70 outline-none"
        >
          <BaseMenu.Popup className={clsx(POPUP, 'max-h-(--available-height) overflow-y-auto')}>
            {items.map(({ label, icon, danger = false, checked, onSelect }) =>
              checked === undefined ? (
                <BaseMenu.Item
                  key={label}
                  onClick={onSelect}
                  className={clsx(POPUP_ITEM, danger ? 'text-error' : 'text-ink')}
                >
                  {icon === undefined ? null : <span className={ICON}>{icon}</span>}
                  {label}
                </BaseMenu.Item>
              ) : (
                <BaseMenu.CheckboxItem
                  key={label}
                  checked={checked}
                  onCheckedChange={onSelect}
                  closeOnClick
                  className={clsx(POPUP_ITEM, 'text-ink')}
                >
                  {icon === undefined ? null : <span className={ICON}>{icon}</span>}
                  <span className="grow">{label}</span>
                  <BaseMenu.CheckboxItemIndicator>
                    <Check className="size-4 text-accent" aria-hidden />
                  </BaseMenu.CheckboxItemIndicator>
                </BaseMenu.CheckboxItem>
              ),
            )}
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}

const ICON = 'flex size-4 items-center justify-center opacity-80';
