import clsx from 'clsx';
import type { ReactNode } from 'react';

export interface RowData {
  key: string;
  cells: readonly ReactNode[];
}

interface DataTableProps {
  title: string;
  /** A line under the title: what the table is about at this moment. */
  note?: ReactNode;
  columns: readonly string[];
  rows: readonly RowData[];
  empty?: string;
  /** Has more columns than a phone has room for: it scrolls, by the keyboard too. */
  wide?: boolean;
}

export function row(name: string, ...values: ReactNode[]): RowData {
  return { key: name, cells: [name, ...values] };
}

/** The first column says what a row is about; the others are at the right, where figures can be compared. */
export function DataTable({ title, note, columns, rows, empty, wide = false }: DataTableProps) {
  return (
    <section aria-label={title} className="min-w-0">
      <h2 className="mb-1 font-medium text-sm">{title}</h2>
      {note === undefined ? null : <p className="mb-1 text-ink-2 text-xs tabular">{note}</p>}
      {rows.length === 0 ? (
        <p className="border-t py-3 text-ink-3 text-sm">{empty}</p>
      ) : (
        <div
          className="relative overflow-x-auto"
          {...(wide ? { tabIndex: 0, role: 'region', 'aria-label': `${title}, as a table` } : {})}
        >
          <table className="w-full text-sm tabular">
            <thead>
              <tr className="text-ink-3 text-xs">
                {columns.map((column, index) => (
                  <th
                    key={column}
                    scope="col"
                    className={`py-1.5 font-normal ${index === 0 ? 'pe-3 text-start' : 'ps-3 text-end'}`}
                  >
                    {column === '' ? <span className="sr-only">{index === 0 ? 'What' : 'Actions'}</span> : column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key} className="border-t">
                  {row.cells.map((cell, index) =>
                    index === 0 ? (
                      <th key={columns[index]} scope="row" className="py-1.5 pe-3 text-start font-normal text-ink-2">
                        {cell}
                      </th>
                    ) : (
                      <td
                        key={columns[index]}
                        className={clsx(
                          'whitespace-nowrap py-1.5 ps-3 text-end',
                          // What can be done with a row stays in sight while the rest is moved sideways.
                          columns[index] === '' && 'sticky end-0 bg-canvas',
                        )}
                      >
                        {cell}
                      </td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
