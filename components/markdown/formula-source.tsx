'use client';

export interface FormulaProps {
  tex: string;
  /** On a line of its own. */
  isDisplay: boolean;
}

/** A formula as it was written. */
export function FormulaSource({ tex, isDisplay }: FormulaProps) {
  return isDisplay ? (
    <code dir="ltr" className="formula-source">
      {tex}
    </code>
  ) : (
    <code dir="ltr">{tex}</code>
  );
}
