import { type Direction, directionOf } from '#lib/browser/text-direction';

/** A piece of HTML as rehype has it, as far as it matters here (https://github.com/syntax-tree/hast). */
interface Node {
  type: string;
  tagName?: string;
  value?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

/** What has a direction of its own: its text begins on its own side, and a list has its marks there. */
const BLOCKS: ReadonlySet<string> = new Set([
  ...['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'ul', 'ol', 'li', 'table', 'th', 'td'],
]);
/** These are written from left to right, whatever stands around them, and say so themselves. */
const CODE: ReadonlySet<string> = new Set(['code', 'pre', 'kbd', 'samp', 'var']);

/**
 * A rehype plugin that gives each block the direction of its first letter, as `dir="auto"` does
 * (https://html.spec.whatwg.org/#the-dir-attribute), where that is not the one around it: nearly all need none.
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
