'use client';

import type { ConfirmProps, DialogProps } from '#components/ui/popup';
import { type Loadable, loadable, type Part, useLoaded } from '#lib/client/loadable';

const load = () => import('#components/ui/dialog-popup');
const dialogPopup = loadable(() => load().then(({ DialogPopup }) => DialogPopup));
const confirmPopup = loadable(() => load().then(({ ConfirmPopup }) => ConfirmPopup));
const drawerPopup = loadable(() => load().then(({ DrawerPopup }) => DrawerPopup));

/** For what is about to open one. */
export const dialogPart: Part = dialogPopup;

/** Dialogs come when the first one is opened, not with the page; then they stay, so that they can leave gently. */
export function Dialog(props: DialogProps) {
  return <Once popup={dialogPopup} props={props} />;
}

/** Asks before something that cannot be taken back. */
export function Confirm(props: ConfirmProps) {
  return <Once popup={confirmPopup} props={props} />;
}

/** A panel from the left, for what stands beside the page on wide screens. */
export function Drawer(props: DialogProps) {
  return <Once popup={drawerPopup} props={props} />;
}

interface OnceProps<Props> {
  popup: Loadable<Props>;
  props: Props;
}

function Once<Props extends { open: boolean }>({ popup, props }: OnceProps<Props>) {
  const isThere = useLoaded(props.open, popup);
  return isThere ? <popup.Component {...props} /> : null;
}
