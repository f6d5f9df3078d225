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

/** Three tiles in a row, or four as two rows of two where a row of four is too narrow. */
export const TILE_GRIDS = {
  3: 'grid gap-3 md:grid-cols-3',
  4: 'grid gap-3 sm:grid-cols-2 xl:grid-cols-4',
} as const;
