/** The facts about a Java source that are needed before it is compiled. */
export interface JavaOutline {
  /** javac requires a public class to be in a file of its name. */
  fileName: string;
  /** The binary name of the type with `public static void main(String[])`, if one has it. */
  mainClass: string | undefined;
  /** The same of a type with another `main` that is not private, which Java 25 and later start. */
  otherMain: string | undefined;
}

const TYPE = /^(?:class|interface|enum|record)$/;
const NAME = /^[\p{L}_$]/u;

/** An open pair of braces. */
interface BraceScope {
  /** The type whose body it is; undefined for every other block. */
  type: DeclaredType | undefined;
  /** The number of open parentheses in it. */
  parentheses: number;
  /** Whether it is inside parentheses: in an annotation's values, or in an argument. */
  isInParentheses: boolean;
}

interface DeclaredType {
  /** The JVM's name for it, without the package. */
  binaryName: string;
  isTopLevel: boolean;
  isPublic: boolean;
  isInterface: boolean;
  /** `classic` is the form that every version of Java starts. */
  main: 'classic' | 'other' | undefined;
}

/**
 * Reads the package and the types of a compilation unit, and finds the one with a `main`. The
 * public type comes first, then top-level types, then nested ones. It counts braces and does not
 * parse: javac refuses what is not Java. Linear in the length of the source. Pure.
 */
export function readJavaOutline(source: string): JavaOutline {
  const tokens = tokenize(source);
  const types: DeclaredType[] = [];
  const scopes: BraceScope[] = [{ type: undefined, parentheses: 0, isInParentheses: false }];
  let packageName: string | undefined;
  const modifiers = new Set<string>();
  /** The type whose body is the next block. */
  let declared: DeclaredType | undefined;
  for (const [index, token] of tokens.entries()) {
    const scope = scopes.at(-1);
    if (scope === undefined) break;
    const next = tokens[index + 1] ?? '';
    const isTopLevel = scopes.length === 1;
    if (token === '(') scope.parentheses += 1;
    else if (token === ')') scope.parentheses = Math.max(0, scope.parentheses - 1);
    else if (token === '{') {
      const isInParentheses = scope.isInParentheses || scope.parentheses > 0;
      scopes.push({ type: isInParentheses ? undefined : declared, parentheses: 0, isInParentheses });
      if (!isInParentheses) declared = undefined;
    } else if (token === '}' && !isTopLevel) scopes.pop();
    // An annotation's values end no declaration, whose modifiers may precede the annotation.
    const isEnd = token === '{' || token === '}' || token === ';';
    if (isEnd && !scope.isInParentheses && scope.parentheses === 0) modifiers.clear();
    if (scope.parentheses > 0 || !(isTopLevel || scope.type !== undefined)) continue;

    if (MODIFIERS.has(token)) modifiers.add(token);
    else if (TYPE.test(token) && NAME.test(next)) {
      declared = {
        binaryName: isTopLevel ? next : `${scope.type?.binaryName}$${next}`,
        isPublic: modifiers.has('public'),
        isInterface: token === 'interface',
        isTopLevel,
        main: undefined,
      };
      types.push(declared);
      modifiers.clear();
    } else if (isTopLevel && token === 'package') packageName ??= qualifiedName(tokens, index + 1);
    else if (scope.type !== undefined && token === 'main' && next === '(' && tokens[index - 1] === 'void') {
      const kind = kindOfMain(
        modifiers,
        scope.type.isInterface,
        tokens.slice(index + 2, index + 2 + MAX_PARAMETER_TOKENS),
      );
      if (scope.type.main !== 'classic') scope.type.main = kind ?? scope.type.main;
    }
  }
  const topLevel = types.filter((type) => type.isTopLevel);
  const publicType = topLevel.find((type) => type.isPublic);
  const byPrecedence = [...(publicType === undefined ? [] : [publicType]), ...topLevel, ...types];
  const nameWithMain = (kind: DeclaredType['main']) => byPrecedence.find(({ main }) => main === kind)?.binaryName;
  const qualified = (name: string | undefined) => {
    const path = name === undefined || !packageName ? name : `${packageName}.${name}`;
    return path !== undefined && path.length <= MAX_PATH_LENGTH && QUALIFIED.test(path) ? path : undefined;
  };
  const [classic, other] = [nameWithMain('classic'), nameWithMain('other')];
  const named = publicType?.binaryName ?? (classic ?? other)?.replace(/(?<=.)\$.*/, '') ?? topLevel[0]?.binaryName;
  return {
    fileName: `${shortened(named ?? 'Main')}.java`,
    mainClass: qualified(classic),
    otherMain: qualified(other),
  };
}

const MODIFIERS = new Set(['public', 'protected', 'private', 'static', 'abstract']);

/**
 * Undefined for a method that no version of Java starts. `rest` follows the opening parenthesis.
 */
function kindOfMain(
  modifiers: ReadonlySet<string>,
  isInInterface: boolean,
  rest: readonly string[],
): DeclaredType['main'] {
  if (modifiers.has('private') || modifiers.has('abstract')) return undefined;
  const text = rest.join(' ').replaceAll(ANNOTATION_OR_FINAL, '');
  const parameters = /^([^()]*)\)/.exec(text)?.[1];
  if (parameters === '') return 'other';
  if (parameters === undefined || !ARGUMENTS.test(parameters)) return undefined;
  return modifiers.has('static') && (modifiers.has('public') || isInInterface) ? 'classic' : 'other';
}

const ANNOTATION_OR_FINAL = /@ [^ ()]+(?: \. [^ ()]+)* (?:\( [^()]*\) )?|(?<![^ ])final /g;
const ARGUMENTS = /^(?:java \. lang \. )?String (?:(?:\[ \]|\. \. \.) [\p{L}_$][^ ]*|[\p{L}_$][^ ]* \[ \]) $/u;
const MAX_PARAMETER_TOKENS = 60;

/** Shortens a name that is too long for a file; javac refuses the program then. */
function shortened(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH);
}

const MAX_NAME_LENGTH = 60;
/** No class file has a longer path, and no command can carry it. */
const MAX_PATH_LENGTH = 4096;
const QUALIFIED = /^[\p{L}\p{N}_$.]+$/u;

function qualifiedName(tokens: readonly string[], from: number): string {
  const end = tokens.indexOf(';', from);
  return tokens.slice(from, end < 0 ? from : end).join('');
}

/**
 * Splits a source into names and single signs, without comments, strings, characters and text
 * blocks.
 */
function tokenize(source: string): string[] {
  const skipped =
    /\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|"""(?:\\[\s\S]|[^\\])*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?/g;
  return source.replace(skipped, ' ').match(/[\p{L}_$][\p{L}\p{N}_$]*|[^\s\p{L}_$]/gu) ?? [];
}
