import { Menu as BaseMenu } from '@base-ui/react/menu';
import clsx from 'clsx';
import { Check } from 'lucide-react';
import type { ComponentProps, ReactElement, ReactNode } from 'react';

interface MenuProps {
  trigger: ReactElement;
  children: ReactNode;
  align?: 'start' | 'center' | 'end';
  side?: 'top' | 'bottom' | 'left' | 'right';
}

export function Menu({ trigger, children, align = 'end', side = 'bottom' }: MenuProps) {
  return (
    <BaseMenu.Root>
      <BaseMenu.Trigger render={trigger} />
      <BaseMenu.Portal>
        <BaseMenu.Positioner
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 outline-none"
        >
          <BaseMenu.Popup className={POPUP}>{children}</BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}

interface MenuItemProps extends ComponentProps<typeof BaseMenu.Item> {
  icon?: ReactNode;
  danger?: boolean;
}

export function MenuItem({ icon, danger = false, children, ...props }: MenuItemProps) {
  return (
    <BaseMenu.Item className={clsx(POPUP_ITEM, danger ? 'text-error' : 'text-ink')} {...props}>
      <span className="flex size-4 items-center justify-center text-current opacity-80">{icon}</span>
      {children}
    </BaseMenu.Item>
  );
}

export const MenuRadioGroup = BaseMenu.RadioGroup;

interface MenuRadioItemProps extends ComponentProps<typeof BaseMenu.RadioItem> {
  icon?: ReactNode;
}

export function MenuRadioItem({ icon, children, ...props }: MenuRadioItemProps) {
  return (
    <BaseMenu.RadioItem className={clsx(POPUP_ITEM, 'text-ink')} closeOnClick {...props}>
      <span className="flex size-4 items-center justify-center opacity-80">{icon}</span>
      <span className="grow">{children}</span>
      <BaseMenu.RadioItemIndicator>
        <Check className="size-4 text-accent" aria-hidden />
      </BaseMenu.RadioItemIndicator>
    </BaseMenu.RadioItem>
  );
}

export const POPUP =
  'min-w-40 max-w-[min(28rem,calc(100vw-1rem))] rounded-lg bg-surface p-1 shadow-float outline-none transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0';

export const POPUP_ITEM =
  'flex min-h-8 select-none items-center gap-2.5 rounded-md px-2.5 py-1.5 text-sm outline-none data-highlighted:bg-hover data-disabled:opacity-50 pointer-coarse:min-h-10';
