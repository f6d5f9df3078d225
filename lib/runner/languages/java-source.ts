/** What must be known of a Java source before it is compiled: the name of its file and its entry. */
export interface JavaSource {
  /** javac wants a public class in a file of its name. */
  fileName: string;
  /** With its package; undefined where there is no `main`. */
  mainClass: string | undefined;
}

const TYPE = /^(?:class|interface|enum|record)$/;

/**
 * Reads the outline of a compilation unit: its package, its top-level types, and which of them has a static `main`. A
 * tokenizer with a count of braces, not a parser; what is not Java is for javac to refuse. Pure.
 */
export function readJavaSource(source: string): JavaSource {
  const tokens = tokenize(source);
  let packageName = '';
  let depth = 0;
  let current: string | undefined;
  let isPublic = false;
  let publicType: string | undefined;
  let firstType: string | undefined;
  let mainType: string | undefined;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === '{') depth += 1;
    else if (token === '}') depth -= 1;
    else if (depth === 0) {
      if (token === 'package' && packageName === '') packageName = qualifiedName(tokens, index + 1);
      else if (token === 'public') isPublic = true;
      else if (token === ';') isPublic = false;
      else if (TYPE.test(token) && next !== undefined && /^[\p{L}_$]/u.test(next)) {
        current = next;
        firstType ??= next;
        if (isPublic) publicType ??= next;
        isPublic = false;
      }
    } else if (depth === 1 && token === 'main' && next === '(' && tokens[index - 1] === 'void') mainType ??= current;
  }
  const prefix = packageName === '' ? '' : `${packageName}.`;
  return {
    fileName: `${shortened(publicType ?? mainType ?? firstType ?? 'Main')}.java`,
    mainClass: mainType === undefined ? undefined : `${prefix}${mainType}`,
  };
}

/** What is too long for a file's name is for javac to refuse. */
function shortened(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH);
}

const MAX_NAME_LENGTH = 60;

function qualifiedName(tokens: readonly string[], from: number): string {
  const end = tokens.indexOf(';', from);
  return tokens.slice(from, end < 0 ? from : end).join('');
}

/** Names and single signs; comments, strings, characters and text blocks are left out. */
function tokenize(source: string): string[] {
  const skipped = /\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|"""[\s\S]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?/g;
  return source.replace(skipped, ' ').match(/[\p{L}_$][\p{L}\p{N}_$]*|[^\s\p{L}_$]/gu) ?? [];
}
