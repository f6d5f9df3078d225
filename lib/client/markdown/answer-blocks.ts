import { intoBlocks } from '#lib/client/markdown/blocks';
import { withNestedFences } from '#lib/client/markdown/nested-fences';
import { closeUnfinished } from '#lib/client/markdown/unfinished';
import { withDollarDisplays } from '#lib/client/math-marks';

/**
 * A model's text as pieces of the Markdown that the parser reads, each of which stands by itself.
 * While the text is still `writing`, only the last piece changes when it grows.
 */
export function blocksOf(text: string, writing: boolean): string[] {
  const lines = text.replaceAll(/\r\n?/g, '\n');
  const blocks = intoBlocks(withDollarDisplays(withNestedFences(lines, writing), writing));
  const last = blocks.pop();
  if (last !== undefined) blocks.push(writing ? closeUnfinished(last) : last);
  return blocks;
}
