import { mathFromMarkdown } from 'mdast-util-math';
import { math } from 'micromark-extension-math';
import { markdownLineEnding, markdownSpace } from 'micromark-util-character';
import type { Code, Construct, Extension, Previous, State, Token, Tokenizer } from 'micromark-util-types';
import type { Processor } from 'unified';

/**
 * A remark plugin for the formulas that models write: `\(…\)`, `\[…\]`, `$…$`, `$$…$$`,
 * `\begin{align}…\end{align}` and `\ce{…}` in a line, and `$$` on separate lines around a display.
 * A mark without its end stays text.
 *
 *  `$…$` follows Pandoc's rule (https://pandoc.org/MANUAL.html#extension-tex_math_dollars), more
 * strictly for amounts of money: the marks touch the content, no letter or digit touches them from
 * outside, and both are on one line.
 */
export function remarkFormulas(this: Processor): void {
  const data = this.data();
  data.micromarkExtensions ??= [];
  data.fromMarkdownExtensions ??= [];
  data.micromarkExtensions.push({ flow: math().flow, text: { [DOLLAR]: dollars, [BACKSLASH]: commands } } as Extension);
  data.fromMarkdownExtensions.push(mathFromMarkdown());
}

/** The KaTeX environments that may occur bare in a text. */
export const ENVIRONMENT =
  /^(?:align|alignat|aligned|array|cases|CD|equation|gather|gathered|multline|rcases|smallmatrix|split|[bBpvV]?matrix)\*?$/;

/** Bounds the search for an end, so that many unclosed marks cost little. */
const MAX_CHARACTERS = 1_000;
const DOLLAR = 36;
const BACKSLASH = 92;

/** `$…$` and `$$…$$`. */
const tokenizeDollars: Tokenizer = function (effects, ok, nok) {
  const before = this.previous;
  let opening = 0;
  let closing = 0;
  let length = 0;
  let last: Code = null;
  let sequence: Token;
  let opensWithSpace = false;
  let hasMathSign = false;

  const start: State = (code) => {
    effects.enter('mathText');
    effects.enter('mathTextSequence');
    return open(code);
  };
  const open: State = (code) => {
    if (code === DOLLAR) {
      opening += 1;
      effects.consume(code);
      return open;
    }
    if (opening > 2 || isWord(before)) return nok(code);
    opensWithSpace = isSpace(code);
    if (opensWithSpace && opening === 1) return nok(code);
    effects.exit('mathTextSequence');
    return between(code);
  };
  const between: State = (code) => {
    if (code === null || length > MAX_CHARACTERS) return nok(code);
    if (code === DOLLAR) {
      sequence = effects.enter('mathTextSequence');
      closing = 0;
      return close(code);
    }
    if (!markdownLineEnding(code)) return data(code);
    return opening === 1 ? nok(code) : lineEnding(code);
  };
  const lineEnding: State = (code) => {
    last = code;
    effects.enter('lineEnding');
    effects.consume(code);
    effects.exit('lineEnding');
    return between;
  };
  const data: State = (code) => {
    effects.enter('mathTextData');
    return inData(code);
  };
  const inData: State = (code) => {
    if (code === null || markdownLineEnding(code) || code === DOLLAR || length > MAX_CHARACTERS) {
      effects.exit('mathTextData');
      return between(code);
    }
    consume(code);
    return code === BACKSLASH ? escaped : inData;
  };
  const escaped: State = (code) => {
    if (code === null || markdownLineEnding(code)) return inData(code);
    consume(code);
    return inData;
  };
  const consume = (code: NonNullable<Code>) => {
    length += 1;
    last = code;
    hasMathSign ||= code > 0 && /[\\^_=]/.test(String.fromCharCode(code));
    effects.consume(code);
  };
  const close: State = (code) => {
    if (code === DOLLAR) {
      closing += 1;
      effects.consume(code);
      return close;
    }
    // A formula between two dollars may contain one.
    if (closing < opening) {
      sequence.type = 'mathTextData';
      length += closing;
      last = DOLLAR;
      return inData(code);
    }
    // A formula has spaces inside both marks or none, and is not just words.
    const isFormula = length > 0 && isSpace(last) === opensWithSpace && (!opensWithSpace || hasMathSign);
    if (closing > opening || !isFormula || isWord(code)) return nok(code);
    effects.exit('mathTextSequence');
    effects.exit('mathText');
    return ok(code);
  };
  return start;
};

/** No formula begins within a run of dollars. */
const afterNoDollar: Previous = function (code) {
  return code !== DOLLAR || this.events.at(-1)?.[1].type === 'characterEscape';
};

const dollars: Construct = { name: 'mathText', tokenize: tokenizeDollars, previous: afterNoDollar };

/** The head of a command up to its content; `HALF_HEADS` are beginnings of one. */
const HEADS = /^\\(?:[([]|ce\{|pu\{|begin\{[A-Za-z]+\*?\})$/;
const HALF_HEADS = /^\\(?:c|ce|p|pu|b|be|beg|begi|begin|begin\{[A-Za-z]*\*?)?$/;

/**
 * `\(…\)`, `\[…\]`, `\begin{…}…\end{…}`, `\ce{…}` and `\pu{…}`, all of which are in the token; see
 * {@link texOf}.
 */
const tokenizeCommand: Tokenizer = (effects, ok, nok) => {
  let head = '';
  /** The end of the formula; undefined: the brace that closes the head's. */
  let end: string | undefined;
  /** The last characters read, as many as `end` has. */
  let tail = '';
  let depth = 0;
  let length = 0;
  let isEscaped = false;
  let isEmpty = true;

  const start: State = (code) => {
    effects.enter('mathText');
    effects.enter('mathTextData');
    return inHead(code);
  };
  const inHead: State = (code) => {
    if (code === null || code < 0) return nok(code);
    head += String.fromCharCode(code);
    if (HEADS.test(head)) {
      const environment = /^\\begin\{(.+)\}$/.exec(head)?.[1];
      if (environment !== undefined && !ENVIRONMENT.test(environment)) return nok(code);
      if (environment !== undefined) end = `\\end{${environment}}`;
      else if (head === '\\(') end = '\\)';
      else if (head === '\\[') end = '\\]';
      else depth = 1;
      effects.consume(code);
      return inContent;
    }
    if (!HALF_HEADS.test(head)) return nok(code);
    effects.consume(code);
    return inHead;
  };
  const inContent: State = (code) => {
    if (code === null || length > MAX_CHARACTERS) return nok(code);
    if (markdownLineEnding(code)) {
      effects.exit('mathTextData');
      effects.enter('lineEnding');
      effects.consume(code);
      effects.exit('lineEnding');
      read('\n');
      return afterLineEnding;
    }
    effects.consume(code);
    read(code < 0 ? ' ' : String.fromCharCode(code));
    return isOver() ? finish : inContent;
  };
  const afterLineEnding: State = (code) => {
    if (code === null) return nok(code);
    if (markdownLineEnding(code)) return nok(code);
    effects.enter('mathTextData');
    return inContent(code);
  };
  const read = (character: string) => {
    length += 1;
    if (/[^\s\\()[\]{}]/.test(character)) isEmpty = false;
    if (!isEscaped && character === '{') depth += 1;
    if (!isEscaped && character === '}') depth -= 1;
    // `\\)` is a line break and a bracket, not the end of the formula.
    tail = isEscaped && character === '\\' ? '' : (tail + character).slice(-(end?.length ?? 1));
    isEscaped = character === '\\' && !isEscaped;
  };
  // `\(\text{for \(n\) even}\)`: the inner marks are in braces.
  const isOver = () => {
    if (end === undefined) return depth === 0;
    return tail === end && !isEmpty && (end.length > 2 || depth <= 0);
  };
  const finish: State = (code) => {
    effects.exit('mathTextData');
    effects.exit('mathText');
    return ok(code);
  };
  return start;
};

const commands: Construct = { name: 'mathCommand', tokenize: tokenizeCommand };

function isSpace(code: Code): boolean {
  return code === null || markdownLineEnding(code) || markdownSpace(code);
}

function isWord(code: Code): boolean {
  return code !== null && code > 0 && /\w/.test(String.fromCharCode(code));
}

/** The content of an inline formula, and whether KaTeX requires display mode for it. */
export function texOf(source: string): { tex: string; isDisplay: boolean } {
  const [, paren, bracket] = /^(?:\\\(([\s\S]*)\\\)|\\\[([\s\S]*)\\\])$/.exec(source) ?? [];
  const tex = (paren ?? bracket ?? source).trim().replace(/\s*\n\s*/g, ' ');
  return { tex, isDisplay: DISPLAY_ONLY.test(tex) };
}

const DISPLAY_ONLY = /^\\begin\{(?:align|alignat|CD|equation|gather|multline|split)\*?\}/;
