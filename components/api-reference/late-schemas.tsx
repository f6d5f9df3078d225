'use client';

import { useEffect } from 'react';
import { onFirstInput } from '#lib/browser/loadable';
import { whenIdle } from '#lib/browser/when-idle';
import { SCHEMA_ANCHOR, SCHEMAS_PATH, SCHEMAS_PLACE } from './schemas-place.ts';

/** Small enough for one task of a slow phone. */
const ENTRIES_A_TASK = 6;
const PATIENCE_MS = 1_000;

/**
 * Fetches the schemas, which are half of the reference, with the reader's first input, and puts
 * them in their place, where a link to them stands. A link to a schema does not wait.
 */
export function LateSchemas() {
  useEffect(() => {
    const place = document.getElementById(SCHEMAS_PLACE);
    // The page was left and is shown again with its schemas.
    if (place === null || place.querySelector(`[id^="${SCHEMA_ANCHOR}"]`) !== null) return;
    const ending = new AbortController();
    const { signal } = ending;
    let isHurried = isSchema(location.hash);
    let insertAll: (() => void) | undefined;
    const begin = () =>
      fetchEntries(signal).then(
        (entries) => {
          insertAll = () => {
            insert(place, entries.splice(0));
            if (isSchema(location.hash)) document.getElementById(location.hash.slice(1))?.scrollIntoView();
          };
          if (isHurried) insertAll();
          else insertInSteps(place, entries, signal);
        },
        // The link to the schemas stays in their place.
        () => undefined,
      );
    let isBegun = false;
    const beginOnce = () => {
      if (isBegun) return;
      isBegun = true;
      void begin();
    };
    // A key comes before the browser's search, and a pointer before scrolling.
    const cancel = onFirstInput(beginOnce);
    if (isHurried) beginOnce();
    const onHash = () => {
      if (!isSchema(location.hash)) return;
      isHurried = true;
      beginOnce();
      insertAll?.();
    };
    addEventListener('hashchange', onHash, { signal });
    // A printed reference has what was fetched.
    addEventListener('beforeprint', () => insertAll?.(), { signal });
    return () => {
      cancel();
      ending.abort();
    };
  }, []);
  return null;
}

function isSchema(hash: string): boolean {
  return hash.startsWith(`#${SCHEMA_ANCHOR}`);
}

/** Throws if the page could not be fetched or has no schemas. */
async function fetchEntries(signal: AbortSignal): Promise<Element[]> {
  const response = await fetch(SCHEMAS_PATH, { headers: { accept: 'text/html' }, signal });
  if (!response.ok) throw new Error(`${SCHEMAS_PATH} responded with ${response.status}.`);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const entries = page.getElementById(SCHEMAS_PLACE)?.children ?? [];
  if (entries.length === 0) throw new Error(`${SCHEMAS_PATH} has no schemas.`);
  return [...entries];
}

function insertInSteps(place: Element, entries: Element[], signal: AbortSignal): void {
  const step = () => {
    if (signal.aborted) return insert(place, entries.splice(0));
    insert(place, entries.splice(0, ENTRIES_A_TASK));
    if (entries.length > 0) whenIdle(step, PATIENCE_MS);
  };
  step();
}

/** The first entries take the place of the link. */
function insert(place: Element, entries: readonly Element[]): void {
  place.querySelector(`a[href="${SCHEMAS_PATH}"]`)?.remove();
  place.append(...entries);
}
