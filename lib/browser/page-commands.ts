import { useEffect, useSyncExternalStore } from 'react';

/** A command that the page offers in the command menu while it is shown. */
export interface PageCommand {
  /** Unique among all commands. */
  id: string;
  label: string;
  /** The heading under which it is listed. */
  group: string;
  /** Shown next to the label, for example `Mod+Enter`. */
  shortcut?: string;
  run: () => void;
}

type Offer = readonly PageCommand[];

let offers: readonly Offer[] = [];
let all: Offer = [];
const listeners = new Set<() => void>();

/** Offers commands while the component is mounted. Pass the same array unless a command changed. */
export function usePageCommands(commands: Offer): void {
  useEffect(() => {
    setOffers([...offers, commands]);
    return () => setOffers(offers.filter((offer) => offer !== commands));
  }, [commands]);
}

/** The commands of the page that is shown. */
export function useOfferedCommands(): Offer {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => all,
    () => all,
  );
}

function setOffers(next: readonly Offer[]): void {
  offers = next;
  all = next.flat();
  for (const listener of listeners) listener();
}
