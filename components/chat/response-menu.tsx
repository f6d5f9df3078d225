'use client';

import { type ReactElement, useState } from 'react';
import { MenuTrigger } from '#components/ui/menu-trigger';
import { loadable, useLoaded } from '#lib/browser/loadable';
import type { ResponseMenuProps } from './response-menu-props.ts';

const popup = loadable(() =>
  import('#components/chat/response-menu-popup').then(({ ResponseMenuPopup }) => ResponseMenuPopup),
);

/** The menu of a response. Its code and the list of models are used once it opens. */
export function ResponseMenu(props: ResponseMenuProps): ReactElement {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup);
  if (isThere) return <popup.Component {...props} />;
  return <MenuTrigger trigger={props.trigger} onPreload={popup.preload} onOpen={() => setWanted(true)} />;
}
