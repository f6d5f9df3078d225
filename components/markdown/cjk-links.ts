import { gfmAutolinkLiteral } from 'micromark-extension-gfm-autolink-literal';
import type { Code, Construct, Effects, Extension, State, Tokenizer } from 'micromark-util-types';

/**
 * Characters that end a bare URL in Chinese, Japanese or Korean text: their letters and
 * punctuation, and typographic quotes, dashes and dots. RFC 3986 allows none of them.
 * https://…/wiki/中文 therefore needs `<…>` or a Markdown link.
 */
export const NOT_IN_ADDRESS =
  /[\u1100-\u11ff\u2014-\u201f\u2026\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\ud840-\ud888\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]/;

/** A micromark extension: the autolinks of GFM, which end where {@link NOT_IN_ADDRESS} says. */
export function cjkFriendlyAutolinks(): Extension {
  const text: Extension['text'] = {};
  for (const [code, found] of Object.entries(gfmAutolinkLiteral().text ?? {})) {
    const constructs = [found].flat().filter((one): one is Construct => one?.name !== 'emailAutolink');
    if (constructs.length > 0) text[Number(code)] = constructs.map(endedByCjk);
  }
  return { text };
}

const SPACE = 32;

/** The same construct, but characters that cannot be in a URL look like a space to it. */
function endedByCjk(construct: Construct): Construct {
  const tokenize: Tokenizer = function (effects, ok, nok) {
    let current: Code = null;
    let isOver = false;
    const seen = (state: State): State => {
      return (code) => {
        if (isOver) return state(code);
        current = code;
        const isOutside = code !== null && code > 0 && NOT_IN_ADDRESS.test(String.fromCharCode(code));
        const next = state(isOutside ? SPACE : code);
        return next === undefined || isOver ? next : seen(next);
      };
    };
    // The parser continues with the real character, after the URL and after each part of it.
    const after = (state: State): State => {
      return () => state(current);
    };
    const part = (inner: Parameters<Effects['check']>[0]): Construct => {
      const known = inner as Construct;
      return {
        ...known,
        tokenize(partEffects, partOk, partNok) {
          return known.tokenize.call(this, inside(partEffects), after(partOk), after(partNok));
        },
      };
    };
    const inside = (outer: Effects): Effects => ({
      ...outer,
      check: (inner, returnState, bogusState) => outer.check(part(inner), returnState, bogusState),
      attempt: (inner, returnState, bogusState) => outer.attempt(part(inner), returnState, bogusState),
    });
    const end = (state: State): State => {
      return () => {
        isOver = true;
        return state(current);
      };
    };
    return seen(construct.tokenize.call(this, inside(effects), end(ok), end(nok)));
  };
  return { ...construct, tokenize };
}
