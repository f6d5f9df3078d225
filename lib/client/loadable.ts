import { type ComponentType, createElement, type FunctionComponent, use, useEffect, useState } from 'react';

export interface Loadable<Props> {
  /** Is drawn at once where its code has come; else suspends until then. Throws what kept the code from coming. */
  Component: FunctionComponent<Props>;
  /** Fetches the code, once. Is done when it is there or cannot be had, and never rejects. */
  load: () => Promise<void>;
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
    fetching = fetchCode();
    fetching.then(
      (fetched) => {
        code = fetched;
      },
      (reason: unknown) => {
        failure = { reason };
      },
    );
    return fetching;
  };
  return {
    Component(props) {
      if (failure !== undefined) throw failure.reason;
      return createElement(code ?? use(fetchOnce()), props);
    },
    load: () => fetchOnce().then(isDone, isDone),
  };
}

function isDone(): void {}

/** Loads as soon as `isWanted`, and is true once that is done. `load` is the same each time, as that of a `Loadable` is. */
export function useLoaded(isWanted: boolean, load: Loadable<never>['load']): boolean {
  const [isThere, setThere] = useState(false);
  const isMissing = isWanted && !isThere;
  useEffect(() => {
    if (isMissing) void load().then(() => setThere(true));
  }, [isMissing, load]);
  return isThere;
}
