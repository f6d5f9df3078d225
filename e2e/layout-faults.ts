import type { Page } from 'playwright/test';

interface LayoutRules {
  /** Least width and height of a control in CSS pixels. */
  leastTarget: number;
}

/**
 * What is wrong with the layout of the page as it stands: the page is wider than its window, a
 * control is cut off, out of reach or too small, or the text of a control sticks out of it.
 */
export function layoutFaults(page: Page, rules: LayoutRules): Promise<string[]> {
  return page.evaluate(findFaults, rules);
}

/** Runs in the page, so it uses nothing from outside. */
async function findFaults({ leastTarget }: LayoutRules): Promise<string[]> {
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const faults: string[] = [];
  const CONTROLS =
    'a[href], button, input, textarea, select, summary, [role=tab], [role=option], [role=menuitem], [role=combobox]';
  const root = document.documentElement;
  const tolerance = 1;

  const describe = (element: Element) => {
    const name = element.getAttribute('aria-label') ?? element.textContent?.trim() ?? '';
    return `${element.tagName.toLowerCase()} “${name.slice(0, 40)}”`;
  };
  const isShown = (element: Element) => {
    const isDrawn = { opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true };
    // Asked first: the box of an element that is not drawn yet has the browser lay out all of it.
    if (!element.checkVisibility(isDrawn)) return false;
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1;
  };
  /** A link within a sentence is as high as its line (WCAG 2.5.8, inline). */
  const isInSentence = (element: Element) => element.tagName === 'A' && getComputedStyle(element).display === 'inline';
  /** The area that a click may hit. */
  const targetOf = (element: Element) => {
    return ((element.matches('input') ? element.closest('label') : null) ?? element).getBoundingClientRect();
  };
  const measured = new Map<Element, ReturnType<typeof measure>>();
  const measure = (outer: Element) => {
    const style = getComputedStyle(outer);
    const clips = style.contentVisibility === 'auto' || /paint|strict|content/.test(style.contain);
    const cuts = (overflow: string) => clips || overflow === 'hidden' || overflow === 'clip';
    return {
      box: outer.getBoundingClientRect(),
      cuts: { x: cuts(style.overflowX), y: cuts(style.overflowY) },
      scrolls: {
        x: /auto|scroll/.test(style.overflowX) && outer.scrollWidth > outer.clientWidth,
        y: /auto|scroll/.test(style.overflowY),
      },
    };
  };
  const measureOnce = (outer: Element) => {
    const known = measured.get(outer) ?? measure(outer);
    measured.set(outer, known);
    return known;
  };

  if (root.scrollWidth > root.clientWidth)
    faults.push(`the page is ${root.scrollWidth - root.clientWidth} px too wide`);
  for (const scroller of document.querySelectorAll('.scroller'))
    if (isShown(scroller) && scroller.scrollWidth > scroller.clientWidth + tolerance)
      faults.push(`${describe(scroller)} scrolls sideways by ${scroller.scrollWidth - scroller.clientWidth} px`);

  for (const element of document.querySelectorAll(CONTROLS)) {
    if (!isShown(element)) continue;
    const at = targetOf(element);
    if (!isInSentence(element) && Math.min(at.width, at.height) < leastTarget - 0.5)
      faults.push(`${describe(element)} is ${at.width.toFixed(0)} × ${at.height.toFixed(0)} px`);

    const scrolls = { x: false, y: false };
    for (let outer = element.parentElement; outer !== null; outer = outer.parentElement) {
      const { box, cuts, scrolls: scrollsHere } = measureOnce(outer);
      const past = {
        x: Math.max(box.left - at.left, at.right - box.right),
        y: Math.max(box.top - at.top, at.bottom - box.bottom),
      };
      if (!scrolls.x && cuts.x && past.x > tolerance)
        faults.push(`${describe(element)} is cut off sideways by ${past.x.toFixed(0)} px`);
      if (!scrolls.y && cuts.y && past.y > tolerance)
        faults.push(`${describe(element)} is cut off by ${past.y.toFixed(0)} px`);
      scrolls.x ||= scrollsHere.x;
      scrolls.y ||= scrollsHere.y;
    }
    const beyond = Math.max(-at.left, at.right - root.clientWidth);
    if (!scrolls.x && beyond > tolerance) faults.push(`${describe(element)} is ${beyond.toFixed(0)} px past the side`);
    const below = at.bottom - window.innerHeight;
    if (!scrolls.y && below > tolerance && root.scrollHeight <= root.clientHeight)
      faults.push(`${describe(element)} is ${below.toFixed(0)} px below the edge, and nothing scrolls there`);

    if (!element.matches('button, a, summary, [role=tab]') || isInSentence(element)) continue;
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const box = element.getBoundingClientRect();
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const parent = text.parentElement;
      if (parent === null || !isShown(parent) || text.textContent?.trim() === '') continue;
      let isShortened = false;
      for (let outer: Element | null = parent; outer !== null && element.contains(outer); outer = outer.parentElement)
        isShortened ||= getComputedStyle(outer).overflowX !== 'visible';
      if (isShortened) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      const words = range.getBoundingClientRect();
      const out = Math.max(
        box.left - words.left,
        words.right - box.right,
        box.top - words.top,
        words.bottom - box.bottom,
      );
      if (out > 2) faults.push(`the text of ${describe(element)} sticks out by ${out.toFixed(0)} px`);
    }
  }
  return [...new Set(faults)];
}
