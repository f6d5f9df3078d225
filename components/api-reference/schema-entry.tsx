import { InlineText, schemaAnchor, TypeText } from '#components/api-reference/inline-text';
import type { ReferenceField, ReferenceSchema } from '#lib/wire/api-reference';
import { REFERENCE_STRINGS as STRINGS } from './strings.ts';

export function SchemaEntry({ schema }: { schema: ReferenceSchema }) {
  return (
    <section aria-labelledby={schemaAnchor(schema.name)} data-size={entrySize(schema.fields.length)}>
      <h3 id={schemaAnchor(schema.name)} className="font-medium font-mono">
        {schema.name}
      </h3>
      <Fields caption={STRINGS.fieldsOf(schema.name)} fields={schema.fields} />
    </section>
  );
}

const ROWS_A_STEP = 4;
const MOST_STEPS = 14;

/**
 * The placeholder height of an unrendered entry, in the steps of `reference.css`. Rounded up: an
 * entry that is too tall would overlap the next one.
 */
export function entrySize(rows: number): number {
  return Math.min(MOST_STEPS, Math.ceil(rows / ROWS_A_STEP));
}

/** Name, type and meaning. On a phone the type is below the name. */
export function Fields({ caption, fields }: { caption: string; fields: readonly ReferenceField[] }) {
  return (
    <table>
      <caption className="sr-only">{caption}</caption>
      <thead className="sr-only">
        <tr>
          <th scope="col">{STRINGS.field}</th>
          <th scope="col">{STRINGS.meaning}</th>
        </tr>
      </thead>
      <tbody>
        {fields.map((field) => (
          <tr key={field.name}>
            <th scope="row">
              {field.name}
              <small>
                {field.required ? <strong>{STRINGS.required}</strong> : null}
                {field.required ? ' ' : null}
                <TypeText type={field.type} />
              </small>
            </th>
            <td>{field.meaning === undefined ? null : <InlineText text={field.meaning} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
