import { closeUnfinished } from './close-unfinished.ts';
import { lengthenOuterFences } from './nested-fences.ts';
import { normalizeMath } from './normalize-math.ts';
import { splitBlocks } from './split-blocks.ts';

/**
 * A model's text as pieces of the Markdown that the parser reads, each of which stands by itself.
 * While the text is still `writing`, only the last piece changes when it grows.
 */
export function toMarkdownBlocks(text: string, writing: boolean): string[] {
  const lines = text.replaceAll(/\r\n?/g, '\n');
  const blocks = splitBlocks(normalizeMath(lengthenOuterFences(lines, writing), writing));
  const last = blocks.pop();
  if (last !== undefined) blocks.push(writing ? closeUnfinished(last) : last);
  return blocks;
}
