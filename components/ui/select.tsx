'use client';

import clsx from 'clsx';
import { ChevronDown } from 'lucide-react';
import { type KeyboardEvent, useState } from 'react';
import { SELECT_TRIGGER, type SelectProps } from '#components/ui/popup-props';
import { loadable, useLoaded } from '#lib/browser/loadable';

const popup = loadable(() => import('#components/ui/select-popup').then(({ SelectPopup }) => SelectPopup));

/** A choice of one. The list's code is loaded when a pointer or the focus reaches the button. */
export function Select(props: SelectProps) {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup, () => setWanted(false));
  return isThere ? <popup.Component {...props} /> : <Closed {...props} onOpen={() => setWanted(true)} />;
}

function Closed({ label, value, options, icon, className, onOpen }: SelectProps & { onOpen: () => void }) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    onOpen();
  };
  return (
    <button
      type="button"
      role="combobox"
      aria-label={label}
      aria-expanded={false}
      aria-haspopup="listbox"
      onClick={onOpen}
      onKeyDown={onKeyDown}
      onPointerEnter={popup.preload}
      onFocus={popup.preload}
      className={clsx(SELECT_TRIGGER, className)}
    >
      {icon}
      <span className="truncate">{options.find((option) => option.value === value)?.label ?? value}</span>
      <ChevronDown className="size-3.5 shrink-0 text-ink-3" aria-hidden />
    </button>
  );
}
