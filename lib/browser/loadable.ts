import { type ComponentType, createElement, type FunctionComponent, use, useEffect, useState } from 'react';

/** Code that comes when it is wanted. However often it is asked for, it is fetched once; what could not be had is asked for again. */
export interface LoadablePart {
  /** Fetches it for later: that it could not be had matters to nobody yet. */
  preload: () => void;
  /** Fetches it. Is done when it is there or cannot be had, and never rejects. */
  load: () => Promise<void>;
  /** Whether it is there. */
  isLoaded: () => boolean;
}

export interface Loadable<Props> extends LoadablePart {
  /** Is drawn at once where its code has come; else suspends until then. Throws what kept the code from coming. */
  Component: FunctionComponent<Props>;
}

/**
 * A component whose code comes when it is wanted. `React.lazy` suspends even where its code has long been there, and what had suspended is
 * shown 300 ms after the placeholder at the earliest (FALLBACK_THROTTLE_MS in React's ReactFiberWorkLoop.js): each menu and each dialog would
 * be late by that, and the keys that were pressed meanwhile lost. What is loaded first (see `useLoaded`) is not late.
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

/** Several that are of use only with each other. */
export function loadTogether(...parts: readonly LoadablePart[]): LoadablePart {
  return {
    preload() {
      for (const part of parts) part.preload();
    },
    load: () => Promise.all(parts.map((part) => part.load())).then(done),
    isLoaded: () => parts.every((part) => part.isLoaded()),
  };
}

/** Loads as soon as `isWanted`, and is true once that is done, at once where it was: also when it is wanted no longer, so that it can leave gently. */
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
