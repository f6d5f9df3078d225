'use client';

import { lazy, Suspense } from 'react';
import { type FormulaProps, FormulaSource } from '#components/markdown/formula-source';

const DrawnFormula = lazy(() => import('#components/markdown/katex-formula'));

/** A formula. What draws it comes with the first one; until then its source stands there. */
export function Formula(props: FormulaProps) {
  return (
    <Suspense fallback={<FormulaSource {...props} />}>
      <DrawnFormula {...props} />
    </Suspense>
  );
}
