import type { TokenizeRequest, TokenizeResponse } from './highlight-ranges.ts';
import { tokenize } from './tokenize.ts';

/** Tokenizes code off the main thread. */
self.onmessage = async ({ data: { id, code, language } }: MessageEvent<TokenizeRequest>) => {
  // Code that cannot be tokenized is shown without colours.
  const ranges = await tokenize(code, language).catch(() => undefined);
  const response: TokenizeResponse = { id, ranges: ranges };
  self.postMessage(response);
};
