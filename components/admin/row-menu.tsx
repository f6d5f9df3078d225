'use client';

import { Ellipsis } from 'lucide-react';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import type { MenuEntry } from '#components/ui/popup-props';
import { PEOPLE_STRINGS } from '../people/strings.ts';

/** What can be done with a row. */
export function RowMenu({ name, items }: { name: string; items: readonly MenuEntry[] }) {
  return (
    <Menu
      trigger={
        <IconButton label={PEOPLE_STRINGS.more(name)}>
          <Ellipsis className="size-4" aria-hidden />
        </IconButton>
      }
      items={items}
    />
  );
}
