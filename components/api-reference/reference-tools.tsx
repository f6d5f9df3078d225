'use client';

import { List } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { Button } from '#components/ui/button';
import { Drawer } from '#components/ui/dialog';
import { IconButton } from '#components/ui/icon-button';
import { Select } from '#components/ui/select';
import { useStored } from '#lib/browser/local-storage';
import { hasShape, parseJson } from '#lib/browser/type-guards';
import type { ExampleRequest } from '#lib/wire/api-reference';
import { EXAMPLE_LANGUAGES, exampleCode, isExampleLanguage } from './example-code.ts';
import { NO_MATCH_PLACE } from './no-match-place.ts';
import { REFERENCE_STRINGS as STRINGS } from './strings.ts';

const isRequest = hasShape<ExampleRequest>({
  method: 'string',
  url: 'string',
  headers: 'object',
  needsKey: 'boolean',
  isStream: 'boolean',
});

/** Filter, language of the examples, and on narrow screens the contents of the reference. */
export function ReferenceTools() {
  const [query, setQuery] = useState('');
  return (
    <>
      <ContentsButton query={query} />
      <Filter query={query} onQuery={setQuery} />
      <ExampleLanguageSelect />
    </>
  );
}

function ContentsButton({ query }: { query: string }) {
  const [isOpen, setOpen] = useState(false);
  // A link of the contents leads to a place of this page.
  useEffect(() => {
    const close = () => setOpen(false);
    window.addEventListener('hashchange', close);
    return () => window.removeEventListener('hashchange', close);
  }, []);
  return (
    <>
      <IconButton label={STRINGS.contents} side="bottom" onClick={() => setOpen(true)} className="lg:hidden">
        <List className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
      </IconButton>
      <Drawer open={isOpen} onOpenChange={setOpen} title={STRINGS.contents}>
        <Contents query={query} />
      </Drawer>
    </>
  );
}

/** The links of wide screens once more: they are in the page, but not shown. */
function Contents({ query }: { query: string }) {
  const [html] = useState(() => ({ __html: document.querySelector('.reference-contents')?.innerHTML ?? '' }));
  // These links are not in the page before the drawer opens.
  useEffect(() => void applyFilter(query), [query]);
  return (
    <nav
      aria-label={STRINGS.contents}
      className="reference-links scroller flex min-h-0 flex-1 flex-col gap-4 p-3 text-sm"
      {...{ dangerouslySetInnerHTML: html }}
    />
  );
}

function Filter({ query, onQuery }: { query: string; onQuery: (query: string) => void }) {
  const [count, setCount] = useState<number>();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const isEmpty = query.trim() === '';
    // Nothing to do for a page that has just been opened.
    if (isEmpty && document.querySelector('.reference [hidden]') === null) return;
    const shown = applyFilter(query);
    setCount(isEmpty ? undefined : shown);
  }, [query]);
  return (
    <>
      <input
        ref={field}
        type="search"
        aria-label={STRINGS.filter}
        placeholder={STRINGS.filter}
        value={query}
        onChange={(event) => onQuery(event.target.value)}
        className="h-8 w-44 min-w-0 shrink rounded-md border border-line-strong bg-canvas px-2.5 text-sm outline-none placeholder:text-ink-3 focus-visible:border-accent pointer-coarse:h-10 [&::-webkit-search-cancel-button]:appearance-none"
      />
      {count === 0 ? (
        <NoMatch
          query={query}
          onClear={() => {
            onQuery('');
            field.current?.focus();
          }}
        />
      ) : null}
    </>
  );
}

/** Stands where the entries would: the page has that place as a live region. */
function NoMatch({ query, onClear }: { query: string; onClear: () => void }) {
  const place = document.getElementById(NO_MATCH_PLACE);
  if (place === null) return null;
  return createPortal(
    <div className="mx-auto flex max-w-[52rem] flex-col items-start gap-3 p-4 text-sm md:p-8">
      <p className="text-ink-2 [overflow-wrap:anywhere]">{STRINGS.noMatch(query)}</p>
      <Button onClick={onClear}>{STRINGS.clearFilter}</Button>
    </div>,
    place,
  );
}

/**
 * Hides the operations that do not contain every word of the query, what is empty without them,
 * and the links to either. Returns how many operations are shown.
 */
function applyFilter(query: string): number {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const links = Map.groupBy(document.querySelectorAll<HTMLElement>('.reference-links a'), (link) =>
    link.getAttribute('href'),
  );
  const setShown = (part: HTMLElement, isShown: boolean) => {
    part.hidden = !isShown;
    for (const link of links.get(`#${part.getAttribute('aria-labelledby')}`) ?? []) link.hidden = !isShown;
  };
  let shown = 0;
  for (const article of document.querySelectorAll<HTMLElement>('.reference article')) {
    const isShown = words.every((word) => (article.dataset.filter ?? '').includes(word));
    setShown(article, isShown);
    if (isShown) shown += 1;
  }
  for (const part of document.querySelectorAll<HTMLElement>('.reference > *'))
    setShown(part, words.length === 0 || part.querySelector('article:not([hidden])') !== null);
  for (const group of document.querySelectorAll<HTMLElement>('.reference-links > div'))
    group.hidden = group.querySelector('a:not([hidden])') === null;
  return shown;
}

function ExampleLanguageSelect() {
  const [stored, store] = useStored('api:language');
  const language = isExampleLanguage(stored) ? stored : 'curl';
  useEffect(() => {
    const reference = document.querySelector<HTMLElement>('.reference');
    // The server writes them for curl.
    if (reference === null || (reference.dataset.language ?? 'curl') === language) return;
    reference.dataset.language = language;
    for (const figure of reference.querySelectorAll<HTMLElement>('figure[data-request]')) {
      const request = parseJson(figure.dataset.request ?? '');
      const code = figure.querySelector('pre');
      if (code !== null && isRequest(request)) code.textContent = exampleCode(language, request);
    }
  }, [language]);
  return (
    <Select
      label={STRINGS.language}
      value={language}
      options={EXAMPLE_LANGUAGES}
      onChange={store}
      className="shrink-0"
    />
  );
}
