import { Check, Copy } from 'lucide-react';
import type { ReactNode } from 'react';
import { CopyExamples } from '#components/api-reference/copy-examples';
import { EncodedMarkup } from '#components/api-reference/encoded-markup';
import { InlineText, Path } from '#components/api-reference/inline-text';
import { CHECK_ICON, COPY_ICON, errorAnchor, OperationEntry } from '#components/api-reference/operation-entry';
import { ReferenceTools } from '#components/api-reference/reference-tools';
import { SchemaEntry } from '#components/api-reference/schema-entry';
import { PageBar } from '#components/shell/page-bar';
import type { Reference } from '#lib/wire/api-reference';
import { encodeMarkup } from './markup-encoding.ts';
import { NO_MATCH_PLACE } from './no-match-place.ts';
import { REFERENCE_STRINGS as STRINGS } from './strings.ts';

/**
 * Makes the region scrollable by keyboard. Content for screen readers is positioned within it, or
 * the page would grow by it.
 */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': STRINGS.region } as const;

/** All operations and schemas on one page, which the browser's search covers. */
export async function ApiReference({ reference }: { reference: Reference }) {
  const [contents, entries] = await Promise.all([
    markup(<Contents reference={reference} />),
    markup(<Entries reference={reference} />),
  ]);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">{STRINGS.title}</h1>
        <span className="ps-2 text-ink-3 text-xs tabular-nums max-sm:hidden">{reference.version}</span>
        <span className="flex-1" />
        <ReferenceTools contents={contents} />
        <a
          href="/api/openapi.json"
          className="flex h-10 shrink-0 items-center rounded-md px-2 text-ink-2 text-sm hover:bg-hover hover:text-ink max-md:hidden"
        >
          {STRINGS.document}
        </a>
      </PageBar>
      <div className="flex min-h-0 flex-1">
        <EncodedMarkup
          as="nav"
          label={STRINGS.contents}
          className="reference-contents reference-links scroller hidden min-h-0 w-64 shrink-0 flex-col gap-4 border-e bg-sunken p-3 text-sm lg:flex"
          markup={contents}
        />
        <div className="scroller relative min-h-0 flex-1" {...SCROLLABLE}>
          <div id={NO_MATCH_PLACE} role="status" />
          <EncodedMarkup
            as="div"
            className="reference mx-auto flex max-w-[52rem] flex-col gap-12 p-4 pb-24 text-sm md:p-8"
            markup={entries}
          />
        </div>
      </div>
      <svg className="hidden" aria-hidden>
        <symbol id={COPY_ICON}>
          <Copy size="100%" strokeWidth={1.75} />
        </symbol>
        <symbol id={CHECK_ICON}>
          <Check size="100%" />
        </symbol>
      </svg>
      <CopyExamples copyIcon={COPY_ICON} checkIcon={CHECK_ICON} />
    </div>
  );
}

/**
 * Renders static content to HTML: it is not hydrated, and its payload is one encoded string
 * instead of a description of each element. Imported dynamically, because Next forbids a static
 * import of react-dom/server.
 */
async function markup(node: ReactNode) {
  const { renderToStaticMarkup } = await import('react-dom/server');
  return encodeMarkup(renderToStaticMarkup(node));
}

function Entries({ reference }: { reference: Reference }) {
  const schemas = new Map(reference.schemas.map((schema) => [schema.name, schema]));
  return (
    <>
      <Introduction />
      {reference.groups.map(({ name, description, operations }) => (
        <section key={name} aria-labelledby={groupAnchor(name)}>
          <h2 id={groupAnchor(name)}>{name}</h2>
          <p className="mt-1">
            <InlineText text={description} />
          </p>
          <div className="entries">
            {operations.map((operation) => (
              <OperationEntry key={operation.id} operation={operation} schemas={schemas} />
            ))}
          </div>
        </section>
      ))}
      <section aria-labelledby="errors">
        <h2 id="errors">{STRINGS.errors}</h2>
        <p className="mt-1">{STRINGS.errorsIntroduction}</p>
        <dl className="mt-4">
          {reference.errors.map(({ code, status, meaning }) => (
            <div key={code} id={errorAnchor(code)}>
              <dt>
                <span className="font-mono">{code}</span>
                <small>{status}</small>
              </dt>
              <dd>
                <InlineText text={meaning} />
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <section aria-labelledby="schemas">
        <h2 id="schemas">{STRINGS.schemas}</h2>
        <p className="mt-1">{STRINGS.schemasIntroduction}</p>
        <div className="entries">
          {reference.schemas.map((schema) => (
            <SchemaEntry key={schema.name} schema={schema} />
          ))}
        </div>
      </section>
    </>
  );
}

function groupAnchor(name: string): string {
  return `group-${name.toLowerCase()}`;
}

function Contents({ reference }: { reference: Reference }) {
  return (
    <>
      {reference.groups.map(({ name, operations }) => (
        <div key={name}>
          <a href={`#${groupAnchor(name)}`} className="block rounded-sm px-2 py-1 font-medium hover:bg-hover">
            {name}
          </a>
          {operations.map(({ id, method, path }) => (
            <a
              key={id}
              href={`#${id}`}
              className="flex gap-2 rounded-sm px-2 py-1 text-ink-2 text-xs hover:bg-hover hover:text-ink"
            >
              <span className="w-11 shrink-0 font-mono text-ink-3">{method}</span>
              <span className="min-w-0">
                <Path path={path} />
              </span>
            </a>
          ))}
        </div>
      ))}
      <div>
        <a href="#errors" className="block rounded-sm px-2 py-1 font-medium hover:bg-hover">
          {STRINGS.errors}
        </a>
        <a href="#schemas" className="block rounded-sm px-2 py-1 font-medium hover:bg-hover">
          {STRINGS.schemas}
        </a>
      </div>
    </>
  );
}

function Introduction() {
  return (
    <div className="flex flex-col gap-3 leading-relaxed">
      {STRINGS.introduction.map((paragraph) => (
        <p key={paragraph}>{paragraph}</p>
      ))}
    </div>
  );
}
