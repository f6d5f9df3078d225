import { type Direction, directionOf } from '#lib/browser/text-direction';

/** The part of hast that matters here (https://github.com/syntax-tree/hast). */
interface Node {
  type: string;
  tagName?: string;
  value?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

/** Elements with a direction, which decides the side of their text and list markers. */
const BLOCKS: ReadonlySet<string> = new Set([
  ...['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'ul', 'ol', 'li', 'table', 'th', 'td'],
]);
/** Always left to right, and marked so where they are rendered. */
const CODE: ReadonlySet<string> = new Set(['code', 'pre', 'kbd', 'samp', 'var']);

/**
 * A rehype plugin that sets `dir` by the first letter of each block, as `dir="auto"` does
 * (https://html.spec.whatwg.org/#the-dir-attribute). It skips blocks with the direction of their
 * parent, which most have.
 */
export function rehypeTextDirection() {
  return (tree: Node): void => direct(tree, 'ltr');
}

function direct(node: Node, around: Direction): void {
  const { tagName = '', children = [] } = node;
  if (CODE.has(tagName)) return;
  let own = around;
  if (BLOCKS.has(tagName)) {
    own = directionOf(textOf(node), around);
    if (own !== around) node.properties = { ...node.properties, dir: own };
  }
  for (const child of children) direct(child, own);
}

function textOf({ type, tagName = '', value = '', children = [] }: Node): string {
  if (type === 'text') return value;
  return CODE.has(tagName) ? '' : children.map(textOf).join('');
}
