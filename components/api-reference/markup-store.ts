import { singleton } from '#lib/singletons';

export type ReferencePart = 'contents' | 'operations' | 'schemas';
/** The static HTML of the reference. Examples name `EXAMPLE_ORIGIN`. */
export type ReferenceMarkup = Record<ReferencePart, string>;

/** Stands for the server's address, which depends on the request. */
export const EXAMPLE_ORIGIN = 'http://origin.invalid';

/**
 * The HTML of the reference by whether examples send a key. The server component renders it once
 * per process; the client components read it while they are rendered on the server.
 */
function store(): Map<boolean, ReferenceMarkup> {
  return singleton('api-reference-markup', () => new Map());
}

/** Renders the markup unless it is there. In development always, because its code may change. */
export async function ensureMarkup(needsKey: boolean, render: () => Promise<ReferenceMarkup>): Promise<void> {
  if (process.env.NODE_ENV !== 'production' || !store().has(needsKey)) store().set(needsKey, await render());
}

/** A part with the address of the server in its examples. Throws before `ensureMarkup`. */
export function storedMarkup(part: ReferencePart, { needsKey, origin }: { needsKey: boolean; origin: string }): string {
  const markup = store().get(needsKey);
  if (markup === undefined) throw new Error('The reference was not rendered before its page.');
  return markup[part].replaceAll(EXAMPLE_ORIGIN, () => escaped(origin));
}

/** For text and for attributes. */
function escaped(text: string): string {
  return text.replace(/[&<>"'\\]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
