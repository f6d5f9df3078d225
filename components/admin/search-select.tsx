'use client';

import clsx from 'clsx';
import { useState } from 'react';
import { ComboboxTrigger } from '#components/ui/combobox-trigger';
import { type Option, SELECT_TRIGGER } from '#components/ui/popup-props';
import { loadable, useLoaded } from '#lib/browser/loadable';
import type { SearchSource } from './search-source.ts';

const popup = loadable(() => import('#components/admin/search-select-popup').then((part) => part.SearchSelectPopup));

export interface SearchSelectProps {
  label: string;
  /** In the closed list. */
  shown: string;
  value: string;
  /** Before those that are found: none, or all. */
  fixed: readonly Option[];
  source: SearchSource;
  onChange: (chosen: Option) => void;
  className?: string;
}

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
