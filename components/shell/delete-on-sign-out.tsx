'use client';

import { loadable, useLoaded } from '#lib/browser/loadable';

const popup = loadable(() =>
  import('#components/shell/delete-on-sign-out-popup').then(({ DeleteOnSignOutPopup }) => DeleteOnSignOutPopup),
);

interface DeleteOnSignOutProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Asks before it signs out and deletes what this browser keeps, for a shared computer. */
export function DeleteOnSignOut(props: DeleteOnSignOutProps) {
  const isThere = useLoaded(props.open, popup, () => props.onOpenChange(false));
  return isThere ? <popup.Component {...props} /> : null;
}
