import type { ReactNode } from 'react';
import { Code, InlineText, SchemaLink, SchemaLinks } from '#components/api-reference/inline-text';
import { entrySize, Fields } from '#components/api-reference/schema-entry';
import type { Tone } from '#components/ui/badge';
import { ICON_BUTTON } from '#components/ui/icon-button';
import type { ReferenceOperation, ReferenceResponse, ReferenceSchema } from '#lib/wire/api-reference';

interface OperationEntryProps {
  operation: ReferenceOperation;
  schemas: ReadonlyMap<string, ReferenceSchema>;
}

export function OperationEntry({ operation, schemas }: OperationEntryProps) {
  const { id, method, path, summary, description, needsKey, parameters, body, responses, examples } = operation;
  const fields = body?.schemas.slice(0, 1).flatMap((name) => schemas.get(name)?.fields ?? []) ?? [];
  const rows =
    parameters.length + fields.length + responses.length + responses.flatMap(({ contents }) => contents).length;
  return (
    <article aria-labelledby={id} data-size={entrySize(rows + examples.length)}>
      <h3 id={id} className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <span data-tone={METHOD_TONES[method] ?? 'neutral'}>{method}</span>
        <a href={`#${id}`}>{path}</a>
        <span data-tone={needsKey ? 'neutral' : 'good'}>{needsKey ? 'key' : 'open'}</span>
      </h3>
      <p className="mt-2 font-medium text-ink">{summary}</p>
      {description === undefined ? null : (
        <p className="mt-1 leading-relaxed">
          <InlineText text={description} />
        </p>
      )}
      {parameters.length === 0 ? null : (
        <EntrySection title="Parameters">
          <Pairs
            rows={parameters.map((one) => ({
              key: one.name,
              name: <span className="font-mono">{one.name}</span>,
              note: PLACES[one.place] ?? one.place,
              meaning: <InlineText text={one.meaning} />,
            }))}
          />
        </EntrySection>
      )}
      {body === undefined ? null : (
        <EntrySection title="Body">
          <p className="leading-relaxed">
            <SchemaLinks names={body.schemas} />. {body.note === undefined ? null : <InlineText text={body.note} />}
          </p>
          {body.schemas.slice(0, 1).map((name) => (
            <Fields key={name} caption={`Fields of ${name}`} fields={schemas.get(name)?.fields ?? []} />
          ))}
        </EntrySection>
      )}
      <EntrySection title="Answers">
        <Pairs
          rows={responses.map((response) => ({
            key: response.status,
            name: <span data-tone={statusTone(response.status)}>{response.status}</span>,
            meaning: <ResponseDescription response={response} />,
          }))}
        />
      </EntrySection>
      {examples.length === 0 ? null : (
        <EntrySection title={examples.length === 1 ? 'Example' : 'Examples'}>
          {examples.map((example) => (
            <Example key={example.summary} {...example} />
          ))}
        </EntrySection>
      )}
    </article>
  );
}

const METHOD_TONES: Record<string, Tone> = { GET: 'accent', POST: 'good', DELETE: 'error', PUT: 'warn', PATCH: 'warn' };
const PLACES: Record<string, string> = { path: 'in the path', query: 'in the query', header: 'header' };

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
              {event === undefined ? 'event' : <Code>{event}</Code>} <SchemaLink name={schema} />
            </span>
          ))}
        </span>
      ))}
    </>
  );
}

/** `CopyExamples` implements the button. */
function Example({ summary, curl }: { summary: string; curl: string }) {
  const label = `Copy the example: ${summary}`;
  return (
    <figure>
      <figcaption>{summary}</figcaption>
      <div dir="ltr">
        <pre>{curl}</pre>
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
