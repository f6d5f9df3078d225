import { type RefObject, useEffect, useState } from 'react';

/** Whether the element is or was within `px` of the viewport. */
export function useIsNear(element: RefObject<Element | null>, px: number): boolean {
  const [isNear, setIsNear] = useState(false);
  useEffect(() => {
    if (isNear || element.current === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setIsNear(true);
      },
      { rootMargin: `${px}px` },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [isNear, element, px]);
  return isNear;
}
