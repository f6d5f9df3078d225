import { type ComponentType, createElement, type FunctionComponent, use, useEffect, useRef, useState } from 'react';

type Listener = () => void;

const failureListeners = new Set<Listener>();

/**
 * Calls `listener` each time when code that is needed could not be fetched: the server is away, or
 * an update has replaced the file. Returns the function that ends this.
 */
export function onLoadFailure(listener: Listener): () => void {
  failureListeners.add(listener);
  return () => failureListeners.delete(listener);
}

function reportLoadFailure(): void {
  for (const listener of failureListeners) listener();
}

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
  const fail = (reason: unknown) => {
    // Callers that waited for the same fetch report it once.
    if (failure === undefined) reportLoadFailure();
    failure = { reason };
    forget();
  };
  return {
    Component(props) {
      if (failure !== undefined) throw failure.reason;
      if (code !== undefined) return createElement(code, props);
      const wanted = fetchOnce();
      wanted.catch(fail);
      return createElement(use(wanted), props);
    },
    preload: () => void fetchOnce().catch(forget),
    load: () => fetchOnce().then(done, fail),
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

/** Fetches the part at once if it is needed now, else with the reader's first input. */
export function usePreloaded({ preload }: LoadablePart, isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded) return onFirstInput(preload);
    preload();
    return undefined;
  }, [preload, isNeeded]);
}

/**
 * Runs `action` once, with the reader's first input, or soon if that has been: code that came with
 * it fetches what it needs at once. Returns the function that cancels it.
 */
export function onFirstInput(action: () => void): () => void {
  if (hadInput) {
    const timer = setTimeout(action);
    return () => clearTimeout(timer);
  }
  // An own function: the same action may be given twice.
  const run = () => action();
  atFirstInput.add(run);
  return () => atFirstInput.delete(run);
}

/**
 * `input`: dictation, and text that is pasted from a menu, come without a key. Not `focusin`: the
 * page itself moves the focus into the message field.
 */
const INPUTS = ['pointerdown', 'pointermove', 'keydown', 'input'] as const;

const atFirstInput = new Set<() => void>();
let hadInput = false;

if (typeof window !== 'undefined') watchForInput();

function watchForInput(): void {
  const listening = new AbortController();
  const onInput = () => {
    hadInput = true;
    listening.abort();
    for (const action of atFirstInput) action();
    atFirstInput.clear();
  };
  for (const input of INPUTS)
    addEventListener(input, onInput, { signal: listening.signal, passive: true, capture: true });
}

/** Code that an action needs. It is fetched before, or with the first use. */
export interface LazyCode<Code> {
  /** Starts fetching and ignores a failure. */
  preload: () => void;
  /** Runs `use` when the code is there. A failed fetch is reported as that of a part. */
  run: (use: (code: Code) => void) => void;
}

export function lazyCode<Code>(fetchCode: () => Promise<Code>): LazyCode<Code> {
  return {
    preload: () => void fetchCode().catch(done),
    run: (use) => void fetchCode().then(use, reportLoadFailure),
  };
}

/**
 * Loads the part once `isWanted`. Stays true afterwards, so that an exit animation can run. If
 * loading fails, it stays false and `onFailed` is called; it loads again when `isWanted` has been
 * false in between.
 */
export function useLoaded(isWanted: boolean, part: LoadablePart, onFailed?: () => void): boolean {
  const [isShown, setShown] = useState(false);
  const latest = useRef(onFailed);
  useEffect(() => {
    latest.current = onFailed;
  });
  const isMissing = isWanted && !isShown;
  const isReady = isMissing && part.isLoaded();
  if (isReady) setShown(true);
  useEffect(() => {
    if (!isMissing || isReady) return;
    void part.load().then(() => {
      if (part.isLoaded()) setShown(true);
      else latest.current?.();
    });
  }, [isMissing, isReady, part]);
  return isShown;
}
