import type { SourceFile } from '#lib/languages/language';
import { decoratorKind } from '#lib/languages/typescript/decorator-functions';

/**
 * Comments, strings, templates and regular expressions. A slash begins a regular expression where
 * a value may begin. A template extends to its next backtick.
 */
export const COMMENT_OR_LITERAL =
  /\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`(?:\\[\s\S]|[^`\\])*`?|(?=\/)(?<=(?:^|[=(,:;!&|?{}[+*%<>~^-]|\b(?:return|typeof|case|in|of|delete|void|throw|do|else|yield|await|instanceof))\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n]){0,100}\]|[^/\\[\n]){1,2000}\/\w*/g;
/** Decorators and `accessor`, in a text without comments and literals. */
export const DECORATOR = /@\s*[\p{L}_$(]|\baccessor\s+(?!(?:of|in|as|instanceof|satisfies)\b)[\p{L}_$#["'`]/u;

/** A cheap test that most programs fail. Pure. */
export function mayHaveDecorators(text: string): boolean {
  return text.includes('@') || text.includes('accessor');
}

/**
 * Whether the sources have decorators or `accessor`, which Node neither strips nor runs. Pure.
 */
export function hasDecorators(files: readonly SourceFile[]): boolean {
  return sourcesOf(files).some((text) => DECORATOR.test(text));
}

/**
 * Whether the program has TypeScript's legacy decorators (`experimentalDecorators`) and not
 * standard ones. `tsconfig.json` decides. Without one, the signs are decorated parameters, type
 * names, and the parameters of the decorator functions; standard is the default. Pure.
 */
export function hasLegacyDecorators(files: readonly SourceFile[]): boolean {
  const config = files.find(({ name }) => name === 'tsconfig.json')?.text ?? '';
  const configured = /"experimentalDecorators"\s*:\s*(true|false)/.exec(config)?.[1];
  if (configured !== undefined) return configured === 'true';
  const texts = sourcesOf(files).filter((text) => DECORATOR.test(text));
  const has = (pattern: RegExp) => texts.some((text) => pattern.test(text));
  if (has(ONLY_STANDARD)) return false;
  // The functions may be in a file that has no decorators.
  return has(ONLY_LEGACY) || (texts.length > 0 && decoratorKind(sourcesOf(files, () => true)) === 'legacy');
}

const ONLY_STANDARD =
  /\b(?:Class(?:Method|Getter|Setter|Field|Accessor|Member)?DecoratorContext|DecoratorContext|ClassAccessorDecorator(?:Target|Result))\b|\baccessor\s+(?!(?:of|in|as|instanceof|satisfies)\b)[\p{L}_$#[]|\bcontext\s*\.\s*(?:addInitializer|kind|access|metadata)\b/u;
const ONLY_LEGACY =
  /[(,]\s*@\s*[\p{L}_$][\p{L}\p{N}_$.]*(?:\s*\([^()]*\))?\s+(?!class\b|@|abstract\b)[\p{L}_${[.]|\b(?:Typed)?PropertyDescriptor\b|\b(?:Class|Method|Property|Parameter)Decorator\b|\bReflect\s*\.\s*(?:define|get|has)?(?:Own)?[mM]etadata\b|\bdescriptor\s*\.\s*(?:value|get|set)\b/u;

function sourcesOf(files: readonly SourceFile[], isIncluded = mayHaveDecorators): string[] {
  return files
    .filter(({ name, text }) => /\.[cm]?ts$/.test(name) && isIncluded(text))
    .map(({ text }) => text.replace(COMMENT_OR_LITERAL, '""'));
}
