import { closeUnfinished } from './close-unfinished.ts';
import { lengthenOuterFences } from './nested-fences.ts';
import { normalizeMath } from './normalize-math.ts';
import { splitBlocks } from './split-blocks.ts';

/**
 * Splits a model's text into Markdown blocks that can be parsed independently. While the text is
 * `writing`, only the last block changes.
 */
export function toMarkdownBlocks(text: string, writing: boolean): string[] {
  const lines = text.replaceAll(/\r\n?/g, '\n');
  const blocks = splitBlocks(normalizeMath(lengthenOuterFences(lines, writing), writing));
  const last = blocks.pop();
  if (last !== undefined) blocks.push(writing && last.length <= LONGEST_CLOSED ? closeUnfinished(last) : last);
  return blocks;
}

/** Characters. To close marks parses a block several times with each token. */
const LONGEST_CLOSED = 10_000;
