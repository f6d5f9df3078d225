'use client';

import { lazy, Suspense, useContext, useRef, useState } from 'react';
import { type FormulaProps, FormulaSource } from '#components/markdown/formula-source';
import { LateFormulasContext } from '#components/markdown/late-formulas-context';
import { useIsNear } from '../ui/use-is-near.ts';

const DrawnFormula = lazy(() => import('#components/markdown/katex-formula'));

/** A formula. KaTeX is loaded with the first one; the source is shown until then. */
export function Formula(props: FormulaProps) {
  // A formula that is drawn stays drawn while the response grows.
  const [isLate] = useState(useContext(LateFormulasContext));
  return isLate ? <LateFormula {...props} /> : <SoonFormula {...props} />;
}

const NEAR_PX = 200;

function LateFormula(props: FormulaProps) {
  const place = useRef<HTMLSpanElement>(null);
  const isNear = useIsNear(place, NEAR_PX);
  return <span ref={place}>{isNear ? <SoonFormula {...props} /> : <FormulaSource {...props} />}</span>;
}

function SoonFormula(props: FormulaProps) {
  return (
    <Suspense fallback={<FormulaSource {...props} />}>
      <DrawnFormula {...props} />
    </Suspense>
  );
}
