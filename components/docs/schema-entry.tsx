import { schemaAnchor, TypeWords, Words } from '#components/docs/words';
import type { ReferenceField, ReferenceSchema } from '#lib/wire/reference';

export function SchemaEntry({ schema }: { schema: ReferenceSchema }) {
  return (
    <section aria-labelledby={schemaAnchor(schema.name)} className="py-5">
      <h3 id={schemaAnchor(schema.name)} className="scroll-mt-6 font-medium font-mono text-sm">
        {schema.name}
      </h3>
      <Fields caption={`Fields of ${schema.name}`} fields={schema.fields} />
    </section>
  );
}

/** Name, type and meaning; on a phone the type stands under the name. */
export function Fields({ caption, fields }: { caption: string; fields: readonly ReferenceField[] }) {
  return (
    <table className="mt-2 w-full table-fixed text-sm">
      <caption className="sr-only">{caption}</caption>
      <thead className="sr-only">
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Meaning</th>
        </tr>
      </thead>
      <tbody>
        {fields.map((field) => (
          <tr key={field.name} className="border-t align-top first:border-t-0">
            <th scope="row" className="w-[46%] py-2 pe-4 text-start font-normal">
              <span className="block font-mono text-ink [overflow-wrap:anywhere]">{field.name}</span>
              <span className="block text-ink-3 text-xs leading-relaxed [overflow-wrap:anywhere]">
                <TypeWords type={field.type} />
                {field.required ? <b className="font-medium text-warn"> required</b> : null}
              </span>
            </th>
            <td className="py-2 text-ink-2 leading-relaxed [overflow-wrap:anywhere]">
              {field.meaning === undefined ? null : <Words text={field.meaning} />}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
