/** What must be known of a Java source before it is compiled: the name of its file and its entry. */
export interface JavaOutline {
  /** javac wants a public class in a file of its name. */
  fileName: string;
  /**
   * The binary name of the type with `public static void main(String[])`; undefined where there is
   * none.
   */
  mainClass: string | undefined;
  /**
   * The same of a type with another `main` that is not private. Java 25 and later start those, too.
   */
  otherMain: string | undefined;
}

const TYPE = /^(?:class|interface|enum|record)$/;
const NAME = /^[\p{L}_$]/u;

/** A pair of braces that is open. */
interface BraceScope {
  /** Of a type's body; undefined for every other block. */
  type: DeclaredType | undefined;
  /** Parentheses that are open in it. */
  parentheses: number;
  /** Whether it is inside parentheses: in an annotation's values, or in an argument. */
  isAside: boolean;
}

interface DeclaredType {
  /** The name that the JVM has for it, without the package. */
  binaryName: string;
  isTopLevel: boolean;
  isPublic: boolean;
  isInterface: boolean;
  /** Whether its `main` is the one that every version of Java starts. */
  main: 'classic' | 'other' | undefined;
}

/**
 * Reads the outline of a compilation unit: its package, its types, and which of them has a `main`.
 * Of several, the public type's counts first, then that of the first top-level type, then that of
 * the first nested one. A tokenizer with a count of braces, not a parser; what is not Java is for
 * javac to refuse. Takes time in proportion to the source. Pure.
 */
export function readJavaOutline(source: string): JavaOutline {
  const tokens = tokenize(source);
  const types: DeclaredType[] = [];
  const scopes: BraceScope[] = [{ type: undefined, parentheses: 0, isAside: false }];
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
      const isAside = scope.isAside || scope.parentheses > 0;
      scopes.push({ type: isAside ? undefined : declared, parentheses: 0, isAside });
      if (!isAside) declared = undefined;
    } else if (token === '}' && !isTopLevel) scopes.pop();
    // What is in the values of an annotation ends no declaration: its modifiers may stand before
    // it.
    const isEnd = token === '{' || token === '}' || token === ';';
    if (isEnd && !scope.isAside && scope.parentheses === 0) modifiers.clear();
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
  const inOrder = [...(publicType === undefined ? [] : [publicType]), ...topLevel, ...types];
  const withMain = (kind: DeclaredType['main']) => inOrder.find(({ main }) => main === kind)?.binaryName;
  const qualified = (name: string | undefined) => {
    const whole = name === undefined || !packageName ? name : `${packageName}.${name}`;
    return whole !== undefined && whole.length <= MAX_PATH_LENGTH && QUALIFIED.test(whole) ? whole : undefined;
  };
  const [classic, other] = [withMain('classic'), withMain('other')];
  const named = publicType?.binaryName ?? (classic ?? other)?.replace(/(?<=.)\$.*/, '') ?? topLevel[0]?.binaryName;
  return {
    fileName: `${shortened(named ?? 'Main')}.java`,
    mainClass: qualified(classic),
    otherMain: qualified(other),
  };
}

const MODIFIERS = new Set(['public', 'protected', 'private', 'static', 'abstract']);

/** Undefined for what no Java starts. `rest` follows the opening parenthesis. */
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

/** What is too long for a file's name is for javac to refuse. */
function shortened(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH);
}

const MAX_NAME_LENGTH = 60;
/** No class file has a longer path, and a command that is to start it would not be taken. */
const MAX_PATH_LENGTH = 4096;
const QUALIFIED = /^[\p{L}\p{N}_$.]+$/u;

function qualifiedName(tokens: readonly string[], from: number): string {
  const end = tokens.indexOf(';', from);
  return tokens.slice(from, end < 0 ? from : end).join('');
}

/** Names and single signs; comments, strings, characters and text blocks are left out. */
function tokenize(source: string): string[] {
  const skipped =
    /\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|"""(?:\\[\s\S]|[^\\])*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?/g;
  return source.replace(skipped, ' ').match(/[\p{L}_$][\p{L}\p{N}_$]*|[^\s\p{L}_$]/gu) ?? [];
}
