import { ChartSkeleton } from '#components/ui/chart';

/** Placeholder of a statistics page: three tiles and two charts. */
export function StatsSkeleton() {
  return (
    <>
      <div aria-hidden className="grid gap-3 md:grid-cols-3">
        <div className="skeleton h-44 rounded-lg!" />
        <div className="skeleton h-44 rounded-lg!" />
        <div className="skeleton h-44 rounded-lg!" />
      </div>
      <div aria-hidden className="grid gap-3 lg:grid-cols-2">
        <ChartSkeleton />
        <ChartSkeleton />
      </div>
    </>
  );
}
