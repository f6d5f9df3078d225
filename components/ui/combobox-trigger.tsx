import { ChevronDown } from 'lucide-react';
import type { KeyboardEvent, ReactNode } from 'react';

interface ComboboxTriggerProps {
  label: string;
  popupRole: 'listbox' | 'dialog';
  className: string;
  /** Fetches the popup's code. */
  onPreload: () => void;
  onOpen: () => void;
  /** The chosen value. */
  children: ReactNode;
}

/** The button of a choice whose popup is loaded when a pointer or the focus reaches it. */
export function ComboboxTrigger({ label, popupRole, className, onPreload, onOpen, children }: ComboboxTriggerProps) {
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
      aria-haspopup={popupRole}
      onClick={onOpen}
      onKeyDown={onKeyDown}
      onPointerEnter={onPreload}
      onFocus={onPreload}
      className={className}
    >
      {children}
      <ChevronDown className="size-3.5 shrink-0 text-ink-3" aria-hidden />
    </button>
  );
}
