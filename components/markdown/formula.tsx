'use client';

import { lazy, Suspense } from 'react';
import { type FormulaProps, FormulaSource } from '#components/markdown/formula-source';

const DrawnFormula = lazy(() => import('#components/markdown/katex-formula'));

/** A formula. KaTeX is loaded with the first one; the source is shown until then. */
export function Formula(props: FormulaProps) {
  return (
    <Suspense fallback={<FormulaSource {...props} />}>
      <DrawnFormula {...props} />
    </Suspense>
  );
}
