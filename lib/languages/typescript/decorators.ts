import type { SourceFile } from '#lib/languages/language';
import { decoratorKind } from '#lib/languages/typescript/decorator-functions';

/**
 * Comments, strings and regular expressions: a slash begins one where a value may begin. A template
 * goes as far as its first backtick.
 */
export const COMMENT_OR_LITERAL =
  /\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`(?:\\[\s\S]|[^`\\])*`?|(?=\/)(?<=(?:^|[=(,:;!&|?{}[+*%<>~^-]|\b(?:return|typeof|case|in|of|delete|void|throw|do|else|yield|await|instanceof))\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n]){0,100}\]|[^/\\[\n]){1,2000}\/\w*/g;
/** What is left of a program's text shows it, without what is aside. */
export const DECORATOR = /@\s*[\p{L}_$(]|\baccessor\s+(?!(?:of|in|as|instanceof|satisfies)\b)[\p{L}_$#["'`]/u;

/** Whether a text may have any of it at all, which costs next to nothing to find out. Pure. */
export function mayHaveDecorators(text: string): boolean {
  return text.includes('@') || text.includes('accessor');
}

/**
 * Whether there is anything in the sources that Node cannot strip from TypeScript or run itself.
 * Pure.
 */
export function hasDecorators(files: readonly SourceFile[]): boolean {
  return programsOf(files).some((text) => DECORATOR.test(text));
}

/**
 * Which of TypeScript's two kinds of decorators the program has: its own older one
 * (`experimentalDecorators`) or the standard's. A `tsconfig.json` says so; without one it is told
 * by what only one kind has: decorated parameters, the names of the types, and the parameters of
 * the functions that are decorators. Standard unless anything speaks for the other. Pure.
 */
export function hasLegacyDecorators(files: readonly SourceFile[]): boolean {
  const config = files.find(({ name }) => name === 'tsconfig.json')?.text ?? '';
  const said = /"experimentalDecorators"\s*:\s*(true|false)/.exec(config)?.[1];
  if (said !== undefined) return said === 'true';
  const texts = programsOf(files).filter((text) => DECORATOR.test(text));
  const has = (pattern: RegExp) => texts.some((text) => pattern.test(text));
  if (has(ONLY_STANDARD)) return false;
  // They may stand in a file that has no decorators itself.
  return has(ONLY_LEGACY) || (texts.length > 0 && decoratorKind(programsOf(files, () => true)) === 'legacy');
}

const ONLY_STANDARD =
  /\b(?:Class(?:Method|Getter|Setter|Field|Accessor|Member)?DecoratorContext|DecoratorContext|ClassAccessorDecorator(?:Target|Result))\b|\baccessor\s+(?!(?:of|in|as|instanceof|satisfies)\b)[\p{L}_$#[]|\bcontext\s*\.\s*(?:addInitializer|kind|access|metadata)\b/u;
const ONLY_LEGACY =
  /[(,]\s*@\s*[\p{L}_$][\p{L}\p{N}_$.]*(?:\s*\([^()]*\))?\s+(?!class\b|@|abstract\b)[\p{L}_${[.]|\b(?:Typed)?PropertyDescriptor\b|\b(?:Class|Method|Property|Parameter)Decorator\b|\bReflect\s*\.\s*(?:define|get|has)?(?:Own)?[mM]etadata\b|\bdescriptor\s*\.\s*(?:value|get|set)\b/u;

function programsOf(files: readonly SourceFile[], isWanted = mayHaveDecorators): string[] {
  return files
    .filter(({ name, text }) => /\.[cm]?ts$/.test(name) && isWanted(text))
    .map(({ text }) => text.replace(COMMENT_OR_LITERAL, '""'));
}
