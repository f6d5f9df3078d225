import { ChartSkeleton } from '#components/ui/chart';

/** Placeholder of a statistics page: tiles and two charts. */
export function StatsSkeleton({ tiles }: { tiles: 3 | 4 }) {
  return (
    <>
      <div aria-hidden className={TILE_GRIDS[tiles]}>
        {TILES.slice(0, tiles).map((tile) => (
          <div key={tile} className="skeleton h-44 rounded-lg!" />
        ))}
      </div>
      <div aria-hidden className="grid gap-3 lg:grid-cols-2">
        <ChartSkeleton />
        <ChartSkeleton />
      </div>
    </>
  );
}

const TILES = ['first', 'second', 'third', 'fourth'];

/** Three tiles in a row; four in one row, in two, or on phones with the first and last alone. */
export const TILE_GRIDS = {
  3: 'grid gap-3 md:grid-cols-3',
  4: 'grid grid-cols-2 gap-3 xl:grid-cols-4 max-sm:[&>:first-child]:col-span-2 max-sm:[&>:last-child]:col-span-2',
} as const;
