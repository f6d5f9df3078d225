import clsx from 'clsx';
import type { ReactNode } from 'react';

export interface RowData {
  key: string;
  cells: readonly ReactNode[];
}

interface DataTableProps {
  title: string;
  /** The current state in one line, under the title. */
  note?: ReactNode;
  columns: readonly string[];
  rows: readonly RowData[];
  empty?: string;
  /** Wider than a phone: the table scrolls, also by keyboard. */
  wide?: boolean;
}

export function row(name: string, ...values: ReactNode[]): RowData {
  return { key: name, cells: [name, ...values] };
}

/** The first column is the row header; the others are right-aligned for comparison. */
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
                          // The actions of a row stay visible while the table scrolls sideways.
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
