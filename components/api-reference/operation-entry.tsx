import { Fragment, type ReactNode } from 'react';
import { Code, InlineText, SchemaLink, SchemaLinks } from '#components/api-reference/inline-text';
import { entrySize, Fields } from '#components/api-reference/schema-entry';
import type { Tone } from '#components/ui/badge';
import { ICON_BUTTON } from '#components/ui/icon-button';
import type { ReferenceExample, ReferenceOperation, ReferenceResponse, ReferenceSchema } from '#lib/wire/api-reference';
import { exampleCode } from './example-code.ts';
import { REFERENCE_STRINGS as STRINGS } from './strings.ts';

/** On a narrow page. */
const CODES_A_ROW = 4;

interface OperationEntryProps {
  operation: ReferenceOperation;
  schemas: ReadonlyMap<string, ReferenceSchema>;
}

export function OperationEntry({ operation, schemas }: OperationEntryProps) {
  const { id, method, path, summary, description, needsKey, parameters, body, responses, errorCodes, examples } =
    operation;
  const fields = body?.schemas.slice(0, 1).flatMap((name) => schemas.get(name)?.fields ?? []) ?? [];
  const headers = responses.flatMap((response) => response.headers);
  const rows =
    parameters.length +
    fields.length +
    responses.length +
    responses.flatMap(({ contents }) => contents).length +
    headers.length +
    Math.ceil(errorCodes.length / CODES_A_ROW);
  const findable = [method, path, summary, ...parameters.map(({ name }) => name), ...headers.map(({ name }) => name)];
  return (
    <article
      aria-labelledby={id}
      data-size={entrySize(rows + examples.length)}
      data-filter={findable.join(' ').toLowerCase()}
    >
      <h3 id={id} className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <span data-tone={METHOD_TONES[method] ?? 'neutral'}>{method}</span>
        <a href={`#${id}`}>{path}</a>
        <span data-tone={needsKey ? 'neutral' : 'good'}>{needsKey ? STRINGS.key : STRINGS.open}</span>
      </h3>
      <p className="mt-2 font-medium text-ink">{summary}</p>
      {description === undefined ? null : (
        <p className="mt-1 leading-relaxed">
          <InlineText text={description} />
        </p>
      )}
      {parameters.length === 0 ? null : (
        <EntrySection title={STRINGS.parameters}>
          <Pairs
            rows={parameters.map((one) => ({
              key: one.name,
              name: <span className="font-mono">{one.name}</span>,
              note: STRINGS.places[one.place] ?? one.place,
              meaning: <InlineText text={one.meaning} />,
            }))}
          />
        </EntrySection>
      )}
      {body === undefined ? null : (
        <EntrySection title={STRINGS.body}>
          <p className="leading-relaxed">
            <SchemaLinks names={body.schemas} />. {body.note === undefined ? null : <InlineText text={body.note} />}
          </p>
          {body.schemas.slice(0, 1).map((name) => (
            <Fields key={name} caption={STRINGS.fieldsOf(name)} fields={schemas.get(name)?.fields ?? []} />
          ))}
        </EntrySection>
      )}
      <EntrySection title={STRINGS.responses}>
        <Pairs
          rows={[
            ...responses.map((response) => ({
              key: response.status,
              name: <span data-tone={statusTone(response.status)}>{response.status}</span>,
              meaning: <ResponseDescription response={response} />,
            })),
            { key: 'errors', name: STRINGS.errors, meaning: <ErrorCodes codes={errorCodes} /> },
          ]}
        />
      </EntrySection>
      {examples.length === 0 ? null : (
        <EntrySection title={examples.length === 1 ? STRINGS.example : STRINGS.examples}>
          {examples.map((example) => (
            <Example key={example.summary} {...example} />
          ))}
        </EntrySection>
      )}
    </article>
  );
}

const METHOD_TONES: Record<string, Tone> = { GET: 'accent', POST: 'good', DELETE: 'error', PUT: 'warn', PATCH: 'warn' };

function statusTone(status: string): Tone {
  return status.startsWith('2')
    ? 'good'
    : status.startsWith('4')
      ? 'warn'
      : status.startsWith('5')
        ? 'error'
        : 'neutral';
}

function EntrySection({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <h4>{title}</h4>
      {children}
    </>
  );
}

interface Pair {
  key: string;
  name: ReactNode;
  note?: string;
  meaning: ReactNode;
}

function Pairs({ rows }: { rows: readonly Pair[] }) {
  return (
    <dl>
      {rows.map(({ key, name, note, meaning }) => (
        <div key={key}>
          <dt>
            {name}
            {note === undefined ? null : <small>{note}</small>}
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}

function ResponseDescription({ response }: { response: ReferenceResponse }) {
  return (
    <>
      <InlineText text={response.meaning} />
      {response.contents.map(({ type, note, schemas, events }) => (
        <span key={type}>
          <Code>{type}</Code> {schemas.length === 0 ? null : <SchemaLinks names={schemas} />}{' '}
          {note === undefined ? null : <InlineText text={note} />}
          {events.map(({ event, schema }) => (
            <span key={`${event}${schema}`}>
              {event === undefined ? STRINGS.event : <Code>{event}</Code>} <SchemaLink name={schema} />
            </span>
          ))}
        </span>
      ))}
      {response.headers.map(({ name, meaning }) => (
        <span key={name}>
          {STRINGS.header} <Code>{name}</Code>: <InlineText text={meaning} />
        </span>
      ))}
    </>
  );
}

/** Links to the table of errors. */
function ErrorCodes({ codes }: { codes: readonly string[] }) {
  return codes.map((code, index) => (
    <Fragment key={code}>
      {index === 0 ? null : ', '}
      <a href={`#${errorAnchor(code)}`}>{code}</a>
    </Fragment>
  ));
}

export function errorAnchor(code: string): string {
  return `error-${code}`;
}

/** `CopyExamples` implements the button, `ReferenceTools` other languages. */
function Example({ summary, request }: ReferenceExample) {
  const label = STRINGS.copyExample(summary);
  return (
    <figure data-request={JSON.stringify(request)}>
      <figcaption>{summary}</figcaption>
      <div dir="ltr">
        <pre>{exampleCode('curl', request)}</pre>
        <button type="button" aria-label={label} data-tip={label} data-copy={label} className={ICON_BUTTON}>
          <svg aria-hidden className="size-4">
            <use href={`#${COPY_ICON}`} />
          </svg>
        </button>
      </div>
    </figure>
  );
}

/** Defined once on the page and referenced by every button. */
export const COPY_ICON = 'icon-copy';
export const CHECK_ICON = 'icon-check';
