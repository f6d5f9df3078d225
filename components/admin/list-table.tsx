import clsx from 'clsx';
import type { ReactNode } from 'react';

export interface ListColumn {
  label: string;
  /** A width of Tailwind; the first column takes the rest. */
  className?: string;
}

interface ListRow {
  key: string;
  /** One for each column. On phones the first stands with the actions, the others below it. */
  cells: readonly ReactNode[];
  /** A menu or a button at the end. */
  action?: ReactNode;
}

interface ListTableProps {
  label: string;
  columns: readonly ListColumn[];
  /** The name of the last column, for screen readers. Missing for rows without an action. */
  actions?: string;
  rows: readonly ListRow[];
}

/** A cell that says nothing without the name of its column, which phones do not show. */
export function LabelledCell({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <span className="md:hidden">{label}: </span>
      {children}
    </>
  );
}

/** A list as a table, on phones with two lines a row. */
export function ListTable({ label, columns, actions, rows }: ListTableProps) {
  return (
    <table aria-label={label} className="w-full table-fixed text-sm max-md:block">
      <thead className="max-md:sr-only">
        <tr className="text-ink-3 text-xs">
          {columns.map(({ label: name, className }) => (
            <th key={name} scope="col" className={clsx('py-1.5 pe-4 text-start font-normal', className)}>
              {name}
            </th>
          ))}
          {actions === undefined ? null : (
            <th scope="col" className="w-24 py-1.5">
              <span className="sr-only">{actions}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody className="max-md:block">
        {rows.map(({ key, cells, action }) => (
          <tr
            key={key}
            className="border-t max-md:flex max-md:min-h-14 max-md:flex-wrap max-md:items-center max-md:gap-x-3 max-md:py-2 max-md:after:order-2 max-md:after:basis-full max-md:after:content-['']"
          >
            {cells.map((cell, index) =>
              index === 0 ? (
                <th
                  key={columns[index]?.label}
                  scope="row"
                  className="h-12 py-1.5 pe-4 text-start font-normal max-md:h-auto max-md:min-w-0 max-md:flex-1 max-md:basis-0 max-md:p-0"
                >
                  {cell}
                </th>
              ) : (
                <td
                  key={columns[index]?.label}
                  className="py-1.5 pe-4 text-ink-2 tabular [overflow-wrap:anywhere] max-md:order-3 max-md:p-0 max-md:text-xs max-md:empty:hidden"
                >
                  {cell}
                </td>
              ),
            )}
            {actions === undefined ? null : <td className="py-1.5 text-end max-md:order-1 max-md:p-0">{action}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
