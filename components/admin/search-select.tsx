'use client';

import clsx from 'clsx';
import { useState } from 'react';
import { ComboboxTrigger } from '#components/ui/combobox-trigger';
import { SELECT_TRIGGER } from '#components/ui/popup-props';
import { loadable, useLoaded } from '#lib/browser/loadable';
import type { SearchSelectProps } from './search-source.ts';

const popup = loadable(() => import('#components/admin/search-select-popup').then((part) => part.SearchSelectPopup));

/** A choice of one out of any number, which the server searches. */
export function SearchSelect(props: SearchSelectProps) {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup, () => setWanted(false));
  if (isThere) return <popup.Component {...props} />;
  const { label, shown, className } = props;
  return (
    <ComboboxTrigger
      label={label}
      popupRole="dialog"
      className={clsx(SELECT_TRIGGER, className)}
      onPreload={popup.preload}
      onOpen={() => setWanted(true)}
    >
      <span className="truncate">{shown}</span>
    </ComboboxTrigger>
  );
}
