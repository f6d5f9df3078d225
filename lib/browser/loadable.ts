import { type ComponentType, createElement, type FunctionComponent, use, useEffect, useState } from 'react';

/** Code that is fetched on demand, once. A failed fetch is tried again. */
export interface LoadablePart {
  /** Starts fetching and ignores a failure. */
  preload: () => void;
  /** Resolves when the code is there or could not be fetched. Never rejects. */
  load: () => Promise<void>;
  isLoaded: () => boolean;
}

export interface Loadable<Props> extends LoadablePart {
  /** Renders at once if the code is loaded, else suspends. Throws why loading failed. */
  Component: FunctionComponent<Props>;
}

/**
 * A component that is loaded on demand.
 *
 *  `React.lazy` suspends even for loaded code, and React shows suspended content 300 ms after the
 * fallback at the earliest (FALLBACK_THROTTLE_MS in ReactFiberWorkLoop.js). Each menu and dialog
 * would be late by that and lose key presses. A part that was loaded first (see `useLoaded`) does
 * not suspend.
 */
export function loadable<Props extends object>(fetchCode: () => Promise<ComponentType<Props>>): Loadable<Props> {
  let fetching: Promise<ComponentType<Props>> | undefined;
  let code: ComponentType<Props> | undefined;
  let failure: { reason: unknown } | undefined;
  const fetchOnce = () => {
    if (fetching !== undefined) return fetching;
    failure = undefined;
    fetching = fetchCode().then((fetched) => {
      code = fetched;
      return fetched;
    });
    return fetching;
  };
  const forget = () => {
    fetching = undefined;
  };
  return {
    Component(props) {
      if (failure !== undefined) throw failure.reason;
      return createElement(code ?? use(fetchOnce()), props);
    },
    preload: () => void fetchOnce().catch(forget),
    load: () =>
      fetchOnce().then(done, (reason: unknown) => {
        failure = { reason };
        forget();
      }),
    isLoaded: () => code !== undefined,
  };
}

function done(): void {}

/** Combines parts that are useful only together. */
export function loadTogether(...parts: readonly LoadablePart[]): LoadablePart {
  return {
    preload() {
      for (const part of parts) part.preload();
    },
    load: () => Promise.all(parts.map((part) => part.load())).then(done),
    isLoaded: () => parts.every((part) => part.isLoaded()),
  };
}

/** Loads the part once `isWanted`. Stays true afterwards, so that an exit animation can run. */
export function useLoaded(isWanted: boolean, part: LoadablePart): boolean {
  const [isShown, setShown] = useState(false);
  const isMissing = isWanted && !isShown;
  const isReady = isMissing && part.isLoaded();
  if (isReady) setShown(true);
  useEffect(() => {
    if (isMissing && !isReady) void part.load().then(() => setShown(true));
  }, [isMissing, isReady, part]);
  return isShown;
}
