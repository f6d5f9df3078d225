const MAX_CHARACTERS = 40;
const MAX_LINES = 200;

const FIRST_COMMENT = /^(?:#!.*\n)?\s*(?:#[ \t]+|\/\/+|\/\*+[\s*]*|(?:"""|''')\s*)([^\n]*)/;
const LINE_COMMENT = /^[ \t]*(?:#[ \t]+|\/\/+)(.*)$/m;
/** Comments for tools and lawyers, and the name that every main file has. */
const NO_NAME = /^(?:eslint|copyright|spdx|main\.\w+$)|coding[:=]/i;

const NAME = '([\\p{L}_$][\\p{L}\\p{N}_$]*)';
const MODIFIERS =
  '(?:(?:export|default|public|private|protected|static|final|abstract|async|unsafe|pub(?:\\([^)]*\\))?)\\s+)*';
const DEFINITIONS = [
  `${MODIFIERS}(?:class|struct|enum|trait|interface|record)\\s+${NAME}`,
  // With a receiver, as in Go.
  `${MODIFIERS}(?:def|fn|func|function\\*?)\\s+(?:\\([^)]*\\)\\s*)?${NAME}`,
  `type\\s+${NAME}\\s+(?:struct|interface)\\b`,
  `(?:export\\s+)?(?:const|let|var)\\s+${NAME}\\s*=\\s*(?:async\\s*)?(?:function\\b|\\([^)]*\\)[^=]*=>|[\\w$]+\\s*=>)`,
  // As in C: a type, then the name and the parameters.
  `(?!(?:else|return|new|await)\\b)${MODIFIERS}[A-Za-z_][\\w:<>,]*(?:\\[\\])?[\\s*&]+${NAME}\\s*\\([^;=]*\\)\\s*\\{`,
  // As in a shell.
  `${NAME}\\s*\\(\\)\\s*\\{`,
].map((pattern) => new RegExp(`^\\s*${pattern}`, 'u'));
/** Any program may have these. */
const COMMON = /^(?:main|init|__init__|new|run|solution|solve|test|if|for|while|switch)$/i;

/**
 * A short name for a program: the comment that its code begins with, else its first class or
 * function, else its first comment. Undefined if it has none of them.
 */
export function nameFromCode(code: string): string | undefined {
  const name = commentText(FIRST_COMMENT.exec(code)) ?? firstDefinition(code) ?? commentText(LINE_COMMENT.exec(code));
  return name === undefined ? undefined : shorten(name);
}

/** Undefined for a comment that says nothing about the program. */
function commentText(found: RegExpExecArray | null): string | undefined {
  const text = (found?.[1] ?? '')
    .replace(/\*+\/.*$|("""|''').*$/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[.:\s]+$/, '');
  return /^[\p{L}\p{N}]/u.test(text) && !NO_NAME.test(text) ? text : undefined;
}

function firstDefinition(code: string): string | undefined {
  for (const line of code.split('\n', MAX_LINES))
    for (const definition of DEFINITIONS) {
      const name = definition.exec(line.slice(0, 200))?.[1];
      if (name !== undefined && !COMMON.test(name)) return name;
    }
  return undefined;
}

/** Ends after a word where it can. */
function shorten(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  const cut = text.slice(0, MAX_CHARACTERS - 1);
  const end = cut.search(/\s+\S*$/u);
  return `${(end > MAX_CHARACTERS / 2 ? cut.slice(0, end) : cut).trimEnd().replace(/[\uD800-\uDBFF]$/, '')}…`;
}
