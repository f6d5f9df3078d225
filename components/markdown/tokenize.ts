import { createHighlighterCore, type HighlighterCore, type ThemeRegistrationRaw } from '@shikijs/core';
import { createJavaScriptRegexEngine } from '@shikijs/engine-javascript';
import { HIGHLIGHT_COLOURS, type HighlightRange } from './highlight-ranges.ts';
import { SHIKI_GRAMMARS } from './shiki-grammars.ts';

/** Ranges in order and without overlap; undefined if the language is unknown. Runs in a worker. */
export async function tokenize(code: string, language: string): Promise<HighlightRange[] | undefined> {
  if (!Object.hasOwn(SHIKI_GRAMMARS, language)) return undefined;
  const highlighter = await readyFor(language);
  const lines = highlighter.codeToTokensBase(code, {
    lang: language,
    theme: THEME_NAME,
    // No reader needs longer lines (minified code, data URLs).
    tokenizeMaxLineLength: 2_000,
    tokenizeTimeLimit: 3_000,
  });
  const ranges: HighlightRange[] = [];
  for (const { offset, content, color } of lines.flat()) {
    const colour = HIGHLIGHT_COLOURS[Number.parseInt(color?.slice(1) ?? '', 16) - 1];
    if (colour === undefined || content.trim() === '') continue;
    const last = ranges.at(-1);
    if (last !== undefined && last.colour === colour && last.end === offset) last.end += content.length;
    else ranges.push({ start: offset, end: offset + content.length, colour });
  }
  return ranges;
}

let opened: Promise<HighlighterCore> | undefined;

async function readyFor(language: string): Promise<HighlighterCore> {
  opened ??= createHighlighterCore({
    themes: [theme()],
    langs: [],
    engine: createJavaScriptRegexEngine({ forgiving: true }),
  });
  const highlighter = await opened;
  const load = SHIKI_GRAMMARS[language];
  if (load !== undefined && !highlighter.getLoadedLanguages().includes(language)) await highlighter.loadLanguage(load);
  return highlighter;
}

const THEME_NAME = 'meanings';

/** TextMate scopes by token kind. A later rule and a longer scope win. */
const SCOPES: Readonly<Record<(typeof HIGHLIGHT_COLOURS)[number], readonly string[]>> = {
  keyword: ['keyword', 'storage', 'variable.language', 'punctuation.definition.heading', 'markup.heading'],
  string: ['string', 'punctuation.definition.string', 'markup.inline.raw', 'markup.fenced_code'],
  number: ['constant.numeric', 'constant.language', 'constant.character', 'constant.other', 'keyword.other.unit'],
  name: [
    'entity.name.function',
    'support.function',
    'entity.other.attribute-name',
    'support.type.property-name',
    'meta.object-literal.key',
    'entity.name.tag.yaml',
    'variable.other.property.toml',
  ],
  type: [
    'entity.name.type',
    'entity.name.class',
    'entity.name.namespace',
    'entity.name.tag',
    'entity.other.inherited-class',
    'support.type',
    'support.class',
    'storage.type.primitive',
  ],
  comment: ['comment', 'punctuation.definition.comment', 'meta.diff.header', 'meta.diff.range'],
  inserted: ['markup.inserted', 'punctuation.definition.inserted'],
  deleted: ['markup.deleted', 'punctuation.definition.deleted', 'invalid'],
};

/**
 * A theme whose colours encode 1-based indices of `HIGHLIGHT_COLOURS`; CSS has the real colours.
 */
function theme(): ThemeRegistrationRaw {
  const code = (place: number) => `#${place.toString(16).padStart(6, '0')}`;
  return {
    name: THEME_NAME,
    type: 'light',
    settings: [
      { settings: { foreground: code(0xffffff), background: '#ffffff' } },
      { scope: ['keyword.operator', 'punctuation'], settings: { foreground: code(0xffffff) } },
      ...HIGHLIGHT_COLOURS.map((colour, index) => ({
        scope: [...SCOPES[colour]],
        settings: { foreground: code(index + 1) },
      })),
      {
        scope: ['keyword.operator.word', 'keyword.operator.logical.python', 'keyword.operator.new'],
        settings: { foreground: code(1) },
      },
      { scope: ['keyword.operator'], settings: { foreground: code(0xffffff) } },
    ],
  };
}
