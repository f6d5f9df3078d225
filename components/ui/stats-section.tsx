import clsx from 'clsx';
import type { ReactNode } from 'react';
import { Chart } from '#components/ui/chart';
import type { ChartProps, ChartSpec } from './chart-props.ts';

interface StatsSectionProps {
  title: string;
  control?: ReactNode;
  /** Tables without a box need more space between them. */
  isPlain?: boolean;
  children: ReactNode;
}

/** Of a section that was not near the view yet, and so is not laid out. */
const HEIGHT = { containIntrinsicBlockSize: 'auto 32rem' } as const;

/** A heading, and charts or tables in two columns. */
export function StatsSection({ title, control, isPlain = false, children }: StatsSectionProps) {
  return (
    <section className="offscreen mt-5" style={HEIGHT}>
      <div className="mb-2 flex min-h-8 items-end justify-between gap-4">
        <h2 className="font-semibold text-base">{title}</h2>
        {control}
      </div>
      <div className={clsx('grid grid-cols-1 lg:grid-cols-2', isPlain ? 'gap-x-10 gap-y-6' : 'gap-3')}>{children}</div>
    </section>
  );
}

interface ChartSectionProps extends Omit<StatsSectionProps, 'isPlain' | 'children'> {
  history: Pick<ChartProps, 'times' | 'windowMs'>;
  isStale: boolean;
  charts: readonly ChartSpec[];
  /** A table next to the charts of the same matter. */
  children?: ReactNode;
}

/** Charts over the same time. */
export function ChartSection({ history, isStale, charts, children, ...head }: ChartSectionProps) {
  return (
    <StatsSection {...head}>
      {charts.map((chart) => (
        <Chart key={chart.title} {...chart} times={history.times} windowMs={history.windowMs} isStale={isStale} />
      ))}
      {children}
    </StatsSection>
  );
}
