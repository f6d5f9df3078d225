'use client';

import dynamic from 'next/dynamic';
import { useEffect, useRef, useState } from 'react';
import type { PlotProps } from '#components/dashboard/plot';
import { fetchBeside } from '#lib/client/fetch-beside';

const loadPlot = () => import('#components/dashboard/plot');
const Plot = dynamic(loadPlot, { ssr: false, loading: PlotSkeleton });
fetchBeside(loadPlot);

const NEAR_PX = 200;

/** What is not near waits for a moment in which nothing else is to do. Safari has no idle callback. */
const LATER_MS = 500;

/** A plot that is drawn at once where it is near the screen, else when the page is at rest: six at once keep a phone busy for half a second. */
export function NearPlot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const [isDue, setIsDue] = useState(false);
  useEffect(() => {
    if (isDue || place.current === null) return;
    const draw = () => setIsDue(true);
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) draw();
      },
      { rootMargin: `${NEAR_PX}px` },
    );
    observer.observe(place.current);
    const hasIdle = typeof requestIdleCallback !== 'undefined';
    const handle = hasIdle ? requestIdleCallback(draw) : window.setTimeout(draw, LATER_MS);
    return () => {
      observer.disconnect();
      if (hasIdle) cancelIdleCallback(handle);
      else clearTimeout(handle);
    };
  }, [isDue]);
  return (
    <div ref={place} className="min-w-0">
      {isDue ? <Plot {...props} /> : <PlotSkeleton />}
    </div>
  );
}

export function PlotSkeleton() {
  return <div aria-hidden className="skeleton h-[14.75rem] rounded-lg!" />;
}
