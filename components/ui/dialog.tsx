'use client';

import type { ConfirmProps, DialogProps } from '#components/ui/popup-props';
import { type Loadable, type LoadablePart, loadable, useLoaded } from '#lib/browser/loadable';

const load = () => import('#components/ui/dialog-popup');
const dialogPopup = loadable(() => load().then(({ DialogPopup }) => DialogPopup));
const confirmPopup = loadable(() => load().then(({ ConfirmPopup }) => ConfirmPopup));
const drawerPopup = loadable(() => load().then(({ DrawerPopup }) => DrawerPopup));

/** For what is about to open one. */
export const dialogPart: LoadablePart = dialogPopup;

/** Dialogs come when the first one is opened, not with the page; then they stay, so that they can leave gently. */
export function Dialog(props: DialogProps) {
  return <OpenOnce popup={dialogPopup} props={props} />;
}

/** Asks before something that cannot be taken back. */
export function Confirm(props: ConfirmProps) {
  return <OpenOnce popup={confirmPopup} props={props} />;
}

/** A panel from the left, for what stands beside the page on wide screens. */
export function Drawer(props: DialogProps) {
  return <OpenOnce popup={drawerPopup} props={props} />;
}

interface OpenOnceProps<Props> {
  popup: Loadable<Props>;
  props: Props;
}

function OpenOnce<Props extends { open: boolean }>({ popup, props }: OpenOnceProps<Props>) {
  const isThere = useLoaded(props.open, popup);
  return isThere ? <popup.Component {...props} /> : null;
}
