import clsx from 'clsx';
import type { ReactNode } from 'react';
import { Fields } from '#components/docs/schema-entry';
import { Code, SchemaLink, SchemaLinks, Words } from '#components/docs/words';
import { Badge, type Tone } from '#components/ui/badge';
import { CopyButton } from '#components/ui/copy-button';
import type { ReferenceAnswer, ReferenceOperation, ReferenceSchema } from '#lib/wire/reference';

interface OperationEntryProps {
  operation: ReferenceOperation;
  schemas: ReadonlyMap<string, ReferenceSchema>;
}

export function OperationEntry({ operation, schemas }: OperationEntryProps) {
  const { id, method, path, summary, description, needsKey, parameters, body, answers, examples } = operation;
  return (
    <article aria-labelledby={id} className="py-6">
      <h3 id={id} className="flex scroll-mt-6 flex-wrap items-center gap-x-2 gap-y-1 text-sm">
        <Badge tone={METHOD_TONES[method] ?? 'neutral'}>{method}</Badge>
        <a href={`#${id}`} className="font-medium font-mono [overflow-wrap:anywhere] hover:underline">
          {path}
        </a>
        <Badge tone={needsKey ? 'neutral' : 'good'}>{needsKey ? 'key' : 'open'}</Badge>
      </h3>
      <p className="mt-2 font-medium text-sm">{summary}</p>
      {description === undefined ? null : (
        <p className="mt-1 text-ink-2 text-sm leading-relaxed">
          <Words text={description} />
        </p>
      )}
      {parameters.length === 0 ? null : (
        <Part title="Parameters">
          <Pairs
            rows={parameters.map((one) => ({
              key: one.name,
              name: <span className="font-mono [overflow-wrap:anywhere]">{one.name}</span>,
              note: PLACES[one.place] ?? one.place,
              meaning: <Words text={one.meaning} />,
            }))}
          />
        </Part>
      )}
      {body === undefined ? null : (
        <Part title="Body">
          <p className="text-ink-2 text-sm leading-relaxed">
            <SchemaLinks names={body.schemas} />. {body.note === undefined ? null : <Words text={body.note} />}
          </p>
          {body.schemas.slice(0, 1).map((name) => (
            <Fields key={name} caption={`Fields of ${name}`} fields={schemas.get(name)?.fields ?? []} />
          ))}
        </Part>
      )}
      <Part title="Answers">
        <Pairs
          rows={answers.map((answer) => ({
            key: answer.status,
            name: <Badge tone={statusTone(answer.status)}>{answer.status}</Badge>,
            meaning: <Answer answer={answer} />,
          }))}
        />
      </Part>
      {examples.length === 0 ? null : (
        <Part title={examples.length === 1 ? 'Example' : 'Examples'}>
          {examples.map((example) => (
            <Example key={example.summary} {...example} />
          ))}
        </Part>
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

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="mt-4">
      <h4 className="mb-1 text-ink-3 text-xs">{title}</h4>
      {children}
    </div>
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
    <dl className="text-sm">
      {rows.map(({ key, name, note, meaning }, index) => (
        <div key={key} className={clsx('flex gap-4 py-1.5 max-sm:flex-col max-sm:gap-0.5', index > 0 && 'border-t')}>
          <dt className="w-36 shrink-0">
            {name}
            {note === undefined ? null : <span className="block text-ink-3 text-xs">{note}</span>}
          </dt>
          <dd className="min-w-0 flex-1 text-ink-2 leading-relaxed">{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}

function Answer({ answer }: { answer: ReferenceAnswer }) {
  return (
    <>
      <Words text={answer.meaning} />
      {answer.contents.map(({ type, note, schemas, events }) => (
        <span key={type} className="block">
          <Code>{type}</Code> {schemas.length === 0 ? null : <SchemaLinks names={schemas} />}{' '}
          {note === undefined ? null : <Words text={note} />}
          {events.map(({ event, schema }) => (
            <span key={`${event}${schema}`} className="ms-3 block text-ink-3">
              {event === undefined ? 'event' : <Code>{event}</Code>} <SchemaLink name={schema} />
            </span>
          ))}
        </span>
      ))}
    </>
  );
}

function Example({ summary, curl }: { summary: string; curl: string }) {
  return (
    <figure className="mt-2">
      <figcaption className="text-ink-2 text-xs">{summary}</figcaption>
      <div className="mt-1 flex items-start gap-2 rounded-md border bg-sunken ps-3" dir="ltr">
        <pre className="min-w-0 flex-1 whitespace-pre-wrap py-2 font-mono text-xs leading-relaxed [overflow-wrap:anywhere]">
          {curl}
        </pre>
        <CopyButton text={curl} label={`Copy the example: ${summary}`} />
      </div>
    </figure>
  );
}
