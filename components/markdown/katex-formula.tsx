'use client';

import 'katex/dist/katex.min.css';
import katex from 'katex';
import { use, useContext, useLayoutEffect, useRef, useState } from 'react';
import { type FormulaProps, FormulaSource } from '#components/markdown/formula-source';
import { StreamingContext } from '#components/markdown/streaming-context';
import { copyFormulas } from './copy-formulas.ts';
import { MARKDOWN_STRINGS } from './strings.ts';

/** Forbids loading, linking and styling beyond the formula (`trust`), and bounds its expansion. */
const OPTIONS = { throwOnError: true, trust: false, strict: 'ignore', maxExpand: 1_000, maxSize: 40 } as const;

const CHEMISTRY = /\\(?:ce|pu)\b/;
/** After a failed fetch the next formula retries after this time. */
const CHEMISTRY_RETRY_MS = 10_000;
let chemistry: Promise<unknown> | undefined;

/** Adds `\ce` and `\pu` to KaTeX, which few texts need. */
function loadChemistry(): Promise<unknown> {
  chemistry ??= import('katex/contrib/mhchem').catch(() => {
    // Without the extension the formula shows its source.
    setTimeout(() => {
      chemistry = undefined;
    }, CHEMISTRY_RETRY_MS);
  });
  return chemistry;
}

// One listener for the page, once there are formulas in it.
document.addEventListener('copy', copyFormulas);

export default function KatexFormula(props: FormulaProps) {
  const { tex, isDisplay } = props;
  if (CHEMISTRY.test(tex)) use(loadChemistry());
  const place = useRef<HTMLSpanElement>(null);
  const [broken, setBroken] = useState<string>();
  const isStreaming = useContext(StreamingContext);
  const isBroken = broken === tex;
  // A layout effect: the formula appears with the first paint, not after its source.
  useLayoutEffect(() => {
    if (isBroken || place.current === null) return;
    try {
      katex.render(tex, place.current, { ...OPTIONS, displayMode: isDisplay });
    } catch {
      setBroken(tex);
    }
  }, [tex, isDisplay, isBroken]);
  if (isBroken)
    return (
      <>
        <FormulaSource {...props} />
        {isStreaming ? null : <span className="formula-fault">{MARKDOWN_STRINGS.formulaFault}</span>}
      </>
    );
  return isDisplay ? <span ref={place} className="formula-display" {...SCROLLABLE} /> : <span ref={place} dir="ltr" />;
}

const SCROLLABLE = { tabIndex: 0, role: 'group', 'aria-label': MARKDOWN_STRINGS.formula, dir: 'ltr' } as const;
