import type { TokenizeAnswer, TokenizeRequest } from '#lib/client/code-marks';
import { tokenize } from '#lib/client/tokenize';

/** Reads code beside the page's own thread, which stays free for the reader. */
self.onmessage = async ({ data: { id, code, language } }: MessageEvent<TokenizeRequest>) => {
  const marks = await tokenize(code, language).catch(() => undefined);
  const answer: TokenizeAnswer = { id, marks };
  self.postMessage(answer);
};
