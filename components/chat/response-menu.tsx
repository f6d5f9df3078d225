'use client';

import { cloneElement, type ReactElement, useState } from 'react';
import type { MenuProps } from '#components/ui/popup-props';
import { loadable, useLoaded } from '#lib/browser/loadable';
import type { AssistantMessage } from './conversation.ts';

const popup = loadable(() =>
  import('#components/chat/response-menu-popup').then(({ ResponseMenuPopup }) => ResponseMenuPopup),
);

/** What a response is requested with, other than its first attempt. */
export interface RegenerateOptions {
  /** Another model than the conversation's. */
  model?: string | undefined;
  /** The conversation keeps its model. */
  isOnce?: boolean;
  /** Appends the rest of the response instead of beginning again. */
  continues?: boolean;
}

export type OnRegenerate = (responseId: string, options?: RegenerateOptions) => void;

export interface ResponseMenuProps {
  message: AssistantMessage;
  /** `models`: a model for the whole conversation; `all`: for this response, and deletion. */
  kind: 'models' | 'all';
  hasVersions: boolean;
  trigger: MenuProps['trigger'];
  onRegenerate: OnRegenerate;
}

/** The menu of a response. Its code and the list of models are used once it opens. */
export function ResponseMenu(props: ResponseMenuProps): ReactElement {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup);
  if (isThere) return <popup.Component {...props} />;
  return cloneElement(props.trigger, {
    onClick: () => setWanted(true),
    onPointerEnter: popup.preload,
    onFocus: popup.preload,
    'aria-haspopup': 'menu',
    'aria-expanded': false,
  });
}
