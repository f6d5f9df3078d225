import clsx from 'clsx';
import type { ReactNode } from 'react';

/** The head of a column of servers. */
export function Head({ className, children }: { className: string; children: ReactNode }) {
  return (
    <th scope="col" className={clsx('whitespace-nowrap py-1.5 pe-4 font-normal last:pe-0', className)}>
      {children}
    </th>
  );
}
