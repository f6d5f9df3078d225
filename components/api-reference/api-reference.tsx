import { Check, Copy } from 'lucide-react';
import type { ReactNode } from 'react';
import { CopyExamples } from '#components/api-reference/copy-examples';
import { InlineText, Path } from '#components/api-reference/inline-text';
import { LateSchemas } from '#components/api-reference/late-schemas';
import { CHECK_ICON, COPY_ICON, errorAnchor, OperationEntry } from '#components/api-reference/operation-entry';
import { ReferenceTools } from '#components/api-reference/reference-tools';
import { SchemaEntry } from '#components/api-reference/schema-entry';
import { StaticMarkup } from '#components/api-reference/static-markup';
import { PageBar } from '#components/shell/page-bar';
import type { Reference } from '#lib/wire/api-reference';
import { encodeMarkup } from './markup-encoding.ts';
import { ensureMarkup, type ReferenceMarkup, type ReferencePart, storedMarkup } from './markup-store.ts';
import { NO_MATCH_PLACE } from './no-match-place.ts';
import { SCHEMAS_PATH, SCHEMAS_PLACE } from './schemas-place.ts';
import { REFERENCE_STRINGS as STRINGS } from './strings.ts';

/**
 * Makes the region scrollable by keyboard. Content for screen readers is positioned within it, or
 * the page would grow by it.
 */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': STRINGS.region } as const;

interface ApiReferenceProps {
  /** Read once per process. Its examples must name `EXAMPLE_ORIGIN`. */
  read: () => Reference;
  version: string;
  /** The address of this server for examples. */
  origin: string;
  needsKey: boolean;
  /** The response is a document, not the payload of a navigation within the app. */
  isDocument: boolean;
  /** The schemas alone: see `LateSchemas`. */
  hasSchemasOnly: boolean;
}

/** All operations and schemas on one page, which the browser's search covers. */
export async function ApiReference({ read, version, origin, needsKey, isDocument, hasSchemasOnly }: ApiReferenceProps) {
  await ensureMarkup(needsKey, () => renderReference(read()));
  const source = (part: ReferencePart) => ({
    part,
    origin,
    needsKey,
    ...(isDocument ? {} : { encoded: encodeMarkup(storedMarkup(part, { needsKey, origin })) }),
  });
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">{STRINGS.title}</h1>
        <span className="ps-2 text-ink-3 text-xs tabular-nums max-sm:hidden">{version}</span>
        <span className="flex-1" />
        {hasSchemasOnly ? (
          <a href="/docs/api" className={BAR_LINK}>
            {STRINGS.operations}
          </a>
        ) : (
          <ReferenceTools />
        )}
        <a href="/api/openapi.json" className={`${BAR_LINK} max-md:hidden`}>
          {STRINGS.document}
        </a>
      </PageBar>
      <div className="flex min-h-0 flex-1">
        {hasSchemasOnly ? null : (
          <StaticMarkup
            as="nav"
            {...source('contents')}
            label={STRINGS.contents}
            className="reference-contents reference-links scroller hidden min-h-0 w-64 shrink-0 flex-col gap-4 border-e bg-sunken p-3 text-sm lg:flex"
          />
        )}
        <div className="scroller relative min-h-0 flex-1" {...SCROLLABLE}>
          <div id={NO_MATCH_PLACE} role="status" />
          <StaticMarkup
            as="div"
            {...source(hasSchemasOnly ? 'schemas' : 'operations')}
            className="reference mx-auto flex max-w-[52rem] flex-col gap-12 p-4 pb-24 text-sm md:p-8"
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
      {hasSchemasOnly ? null : <LateSchemas />}
    </div>
  );
}

const BAR_LINK = 'flex h-10 shrink-0 items-center rounded-md px-2 text-ink-2 text-sm hover:bg-hover hover:text-ink';

/**
 * Renders static content to HTML, which is not hydrated. Imported dynamically, because Next forbids
 * a static import of react-dom/server.
 */
async function renderReference(reference: Reference): Promise<ReferenceMarkup> {
  const { renderToStaticMarkup } = await import('react-dom/server');
  return {
    contents: renderToStaticMarkup(<Contents reference={reference} />),
    operations: renderToStaticMarkup(<Operations reference={reference} />),
    schemas: renderToStaticMarkup(
      <Schemas>
        {reference.schemas.map((schema) => (
          <SchemaEntry key={schema.name} schema={schema} />
        ))}
      </Schemas>,
    ),
  };
}

function Operations({ reference }: { reference: Reference }) {
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
      <Schemas>
        <a href={SCHEMAS_PATH}>{STRINGS.showSchemas}</a>
      </Schemas>
    </>
  );
}

function Schemas({ children }: { children: ReactNode }) {
  return (
    <section aria-labelledby="schemas">
      <h2 id="schemas">{STRINGS.schemas}</h2>
      <p className="mt-1">{STRINGS.schemasIntroduction}</p>
      <div id={SCHEMAS_PLACE} className="entries">
        {children}
      </div>
    </section>
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
