'use client';

import type { ConfirmProps, DialogProps } from '#components/ui/popup-props';
import { type Loadable, type LoadablePart, loadable, useLoaded } from '#lib/browser/loadable';

const load = () => import('#components/ui/dialog-popup');
const dialogPopup = loadable(() => load().then(({ DialogPopup }) => DialogPopup));
const confirmPopup = loadable(() => load().then(({ ConfirmPopup }) => ConfirmPopup));
const drawerPopup = loadable(() => load().then(({ DrawerPopup }) => DrawerPopup));

/** For components that are about to open a dialog. */
export const dialogPart: LoadablePart = dialogPopup;

/** A dialog, loaded when the first one opens. It stays mounted for its exit animation. */
export function Dialog(props: DialogProps) {
  return <OpenOnce popup={dialogPopup} props={props} />;
}

/** Asks for confirmation before an irreversible action. */
export function Confirm(props: ConfirmProps) {
  return <OpenOnce popup={confirmPopup} props={props} />;
}

/** A panel from the left that replaces a sidebar on narrow screens. */
export function Drawer(props: DialogProps) {
  return <OpenOnce popup={drawerPopup} props={props} />;
}

interface OpenOnceProps<Props> {
  popup: Loadable<Props>;
  props: Props;
}

function OpenOnce<Props extends Pick<DialogProps, 'open' | 'onOpenChange'>>({ popup, props }: OpenOnceProps<Props>) {
  const isThere = useLoaded(props.open, popup, () => props.onOpenChange(false));
  return isThere ? <popup.Component {...props} /> : null;
}
