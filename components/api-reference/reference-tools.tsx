'use client';

import { List } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { EncodedMarkup } from '#components/api-reference/encoded-markup';
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
export function ReferenceTools({ contents }: { contents: string }) {
  const [query, setQuery] = useState('');
  return (
    <>
      <ContentsButton contents={contents} query={query} />
      <Filter query={query} onQuery={setQuery} />
      <ExampleLanguageSelect />
    </>
  );
}

function ContentsButton({ contents, query }: { contents: string; query: string }) {
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
        <Contents markup={contents} query={query} />
      </Drawer>
    </>
  );
}

function Contents({ markup, query }: { markup: string; query: string }) {
  // These links are not in the page before the drawer opens.
  useEffect(() => void applyFilter(query), [query]);
  return (
    <EncodedMarkup
      as="nav"
      label={STRINGS.contents}
      className="reference-links scroller flex min-h-0 flex-1 flex-col gap-4 p-3 text-sm"
      markup={markup}
    />
  );
}

function Filter({ query, onQuery }: { query: string; onQuery: (query: string) => void }) {
  const [count, setCount] = useState<number>();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const shown = applyFilter(query);
    setCount(query.trim() === '' ? undefined : shown);
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
  let shown = 0;
  for (const article of document.querySelectorAll<HTMLElement>('.reference article')) {
    const isShown = words.every((word) => (article.dataset.filter ?? '').includes(word));
    article.hidden = !isShown;
    if (isShown) shown += 1;
    hideLinks(article);
  }
  for (const part of document.querySelectorAll<HTMLElement>('.reference > *')) {
    part.hidden = words.length > 0 && part.querySelector('article:not([hidden])') === null;
    hideLinks(part);
  }
  for (const group of document.querySelectorAll<HTMLElement>('.reference-links > div'))
    group.hidden = group.querySelector('a:not([hidden])') === null;
  return shown;
}

/** Hides the links of the contents to `part` if it is hidden. */
function hideLinks(part: HTMLElement): void {
  const id = part.getAttribute('aria-labelledby');
  for (const link of document.querySelectorAll<HTMLElement>(`.reference-links a[href="#${id}"]`))
    link.hidden = part.hidden;
}

function ExampleLanguageSelect() {
  const [stored, store] = useStored('api:language');
  const language = isExampleLanguage(stored) ? stored : 'curl';
  useEffect(() => {
    for (const figure of document.querySelectorAll<HTMLElement>('.reference figure[data-request]')) {
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
