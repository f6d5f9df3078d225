/**
 * Copies a selection with formulas as TeX: KaTeX draws each formula twice, as MathML and as boxes.
 * In the spirit of KaTeX's copy-tex (https://github.com/KaTeX/KaTeX/tree/main/contrib/copy-tex).
 */
export function copyFormulas(event: ClipboardEvent): void {
  const selection = document.getSelection();
  if (selection === null || selection.isCollapsed || event.clipboardData === null) return;
  const copy = document.createElement('div');
  for (let index = 0; index < selection.rangeCount; index++)
    copy.append(wholeFormulas(selection.getRangeAt(index)).cloneContents());
  if (copy.querySelector('.katex') === null) return;
  for (const formula of copy.querySelectorAll('.katex')) replaceByTex(formula);
  event.clipboardData.setData('text/html', copy.innerHTML);
  event.clipboardData.setData('text/plain', plainText(copy, selection));
  event.preventDefault();
}

/** Extends a range that begins or ends within a formula to all of it. */
function wholeFormulas(range: Range): Range {
  const whole = range.cloneRange();
  const first = formulaAround(range.startContainer);
  const last = formulaAround(range.endContainer);
  if (first !== null) whole.setStartBefore(first);
  if (last !== null) whole.setEndAfter(last);
  return whole;
}

function formulaAround(node: Node): Element | null {
  const element = node instanceof Element ? node : node.parentElement;
  return element?.closest('.katex') ?? null;
}

function replaceByTex(formula: Element): void {
  const tex = formula.querySelector('annotation[encoding="application/x-tex"]')?.textContent?.trim();
  if (tex === undefined) return;
  const isDisplay = formula.parentElement?.matches('.katex-display, .formula-display') === true;
  formula.replaceWith(isDisplay ? `$$${tex}$$` : `$${tex}$`);
}

/** The text with the line breaks that a browser shows, which needs layout. */
function plainText(copy: HTMLElement, selection: Selection): string {
  copy.className = 'prose';
  copy.style.cssText = 'position:fixed;inset-block-start:-9999px;inline-size:60rem;pointer-events:none';
  document.body.append(copy);
  const ranges = Array.from({ length: selection.rangeCount }, (_, index) => selection.getRangeAt(index));
  selection.selectAllChildren(copy);
  const text = selection.toString();
  copy.remove();
  selection.removeAllRanges();
  for (const range of ranges) selection.addRange(range);
  return text;
}
