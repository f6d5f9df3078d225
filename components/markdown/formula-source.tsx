'use client';

export interface FormulaProps {
  tex: string;
  /** Display mode: on a separate line. */
  isDisplay: boolean;
}

/** The TeX source of a formula. */
export function FormulaSource({ tex, isDisplay }: FormulaProps) {
  return isDisplay ? (
    <code dir="ltr" className="formula-source">
      {tex}
    </code>
  ) : (
    <code dir="ltr">{tex}</code>
  );
}
