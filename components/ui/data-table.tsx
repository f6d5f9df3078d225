import clsx from 'clsx';
import type { ReactNode } from 'react';
import { TextWithCode } from '#components/ui/text-with-code';
import { STATS_STRINGS } from './strings.ts';

export interface RowData {
  key: string;
  cells: readonly ReactNode[];
}

export interface Column {
  /** Empty for the names of rows, and for their actions. */
  label: string;
  /** Aligned at the end, for comparison. */
  isNumeric?: boolean;
}

interface DataTableProps {
  title: string;
  /** The current state in one line, under the title. */
  note?: ReactNode;
  columns: readonly Column[];
  rows: readonly RowData[];
  /** Shown without rows; backticks mark code. */
  empty?: string;
  /** Wider than a phone: the table scrolls, also by keyboard. */
  wide?: boolean;
  /** In a box, like a chart next to it. */
  framed?: boolean;
}

export function row(name: string, ...values: ReactNode[]): RowData {
  return { key: name, cells: [name, ...values] };
}

export function text(label: string): Column {
  return { label };
}

export function numeric(label: string): Column {
  return { label, isNumeric: true };
}

/** The first column is the row header. */
export function DataTable({ title, note, columns, rows, empty = '', wide = false, framed = false }: DataTableProps) {
  return (
    <section aria-label={title} className={clsx('min-w-0', framed && 'rounded-lg border bg-surface p-4 pb-2')}>
      <h3 className="mb-1 font-medium text-sm">{title}</h3>
      {note === undefined ? null : <p className="mb-1 text-ink-2 text-xs tabular">{note}</p>}
      {rows.length === 0 ? (
        <p className="border-t py-3 text-ink-3 text-sm">
          <TextWithCode text={empty} />
        </p>
      ) : (
        <div
          className="relative overflow-x-auto"
          {...(wide ? { tabIndex: 0, role: 'region', 'aria-label': STATS_STRINGS.dataTable(title) } : {})}
        >
          <table className="w-full text-sm tabular">
            <thead>
              <tr className="text-ink-3 text-xs">
                {columns.map(({ label, isNumeric }, index) => (
                  <th
                    key={label}
                    scope="col"
                    className={clsx(
                      'whitespace-nowrap py-1.5 font-normal',
                      index === 0 ? 'pe-3 text-start' : 'ps-3',
                      isNumeric === true ? 'text-end' : 'text-start',
                    )}
                  >
                    {label === '' ? <span className="sr-only">{STATS_STRINGS.nameColumn}</span> : label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key} className="border-t">
                  {row.cells.map((cell, index) =>
                    index === 0 ? (
                      <th key="name" scope="row" className="py-1.5 pe-3 text-start font-normal text-ink-2">
                        {cell}
                      </th>
                    ) : (
                      <td
                        key={columns[index]?.label}
                        className={clsx(
                          'whitespace-nowrap py-1.5 ps-3',
                          columns[index]?.isNumeric === true ? 'text-end' : 'text-start',
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
