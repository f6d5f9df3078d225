'use client';

import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { ConfirmProps, DialogProps } from '#components/ui/popup';

const load = () => import('#components/ui/dialog-popup');
const DialogPopup = lazy(() => load().then((module) => ({ default: module.DialogPopup })));
const ConfirmPopup = lazy(() => load().then((module) => ({ default: module.ConfirmPopup })));
const DrawerPopup = lazy(() => load().then((module) => ({ default: module.DrawerPopup })));

/** Dialogs come when the first one is opened, not with the page; then they stay, so that they can leave gently. */
export function Dialog(props: DialogProps) {
  return (
    <Once open={props.open}>
      <DialogPopup {...props} />
    </Once>
  );
}

/** Asks before something that cannot be taken back. */
export function Confirm(props: ConfirmProps) {
  return (
    <Once open={props.open}>
      <ConfirmPopup {...props} />
    </Once>
  );
}

/** A panel from the left, for what stands beside the page on wide screens. */
export function Drawer(props: DialogProps) {
  return (
    <Once open={props.open}>
      <DrawerPopup {...props} />
    </Once>
  );
}

function Once({ open, children }: { open: boolean; children: ReactNode }) {
  const [used, setUsed] = useState(open);
  if (open && !used) setUsed(true);
  return used ? <Suspense>{children}</Suspense> : null;
}
