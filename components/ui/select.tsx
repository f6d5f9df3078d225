'use client';

import clsx from 'clsx';
import { useState } from 'react';
import { ComboboxTrigger } from '#components/ui/combobox-trigger';
import { SELECT_TRIGGER, type SelectProps, shownOption } from '#components/ui/popup-props';
import { loadable, useLoaded } from '#lib/browser/loadable';

const popup = loadable(() => import('#components/ui/select-popup').then(({ SelectPopup }) => SelectPopup));

/** A choice of one. The list's code is loaded when a pointer or the focus reaches the button. */
export function Select(props: SelectProps) {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup, () => setWanted(false));
  if (isThere) return <popup.Component {...props} />;
  const { label, value, options, icon, className } = props;
  return (
    <ComboboxTrigger
      label={label}
      popupRole="listbox"
      className={clsx(SELECT_TRIGGER, className)}
      onPreload={popup.preload}
      onOpen={() => setWanted(true)}
    >
      {icon}
      <span className="truncate">{shownOption(options, value)}</span>
    </ComboboxTrigger>
  );
}
