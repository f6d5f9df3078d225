import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The look of diagrams: the colours of `app/globals.css` in hexadecimal, because Mermaid reads no
 * oklch, and the pages' font.
 */

const DIAGRAM_FONT = 'Geist';
const FALLBACK_FONTS = 'Helvetica, Arial, sans-serif';

/**
 * The font as a style sheet. An SVG image loads nothing, so the font is in its text. Empty if it is
 * not installed: diagrams have fallback fonts.
 */
export async function diagramFontStyle(): Promise<string> {
  const path = join(process.cwd(), 'node_modules/@fontsource-variable/geist/files/geist-latin-wght-normal.woff2');
  const font = await readFile(path).catch(() => undefined);
  if (font === undefined) return '';
  const url = `data:font/woff2;base64,${font.toString('base64')}`;
  return `@font-face{font-family:${DIAGRAM_FONT};font-weight:100 900;src:url(${url}) format("woff2")}`;
}

export const DIAGRAM_FONTS = `${DIAGRAM_FONT}, ${FALLBACK_FONTS}`;

const LIGHT = {
  canvas: '#fdfdfe',
  sunken: '#f4f6f8',
  surface: '#ffffff',
  hover: '#eceef0',
  line: '#e0e2e5',
  lineStrong: '#888d92',
  ink: '#181c21',
  ink2: '#4a4f56',
  accent: '#1469af',
  onAccent: '#ffffff',
  accentSoft: '#e2f0ff',
  goodSoft: '#e1f7e7',
  warnSoft: '#fef2d9',
  warn: '#8d5b11',
  errorSoft: '#ffeeec',
  error: '#bc272c',
  cachedSoft: '#f4eefd',
};

const DARK: typeof LIGHT = {
  canvas: '#101114',
  sunken: '#0a0c0e',
  surface: '#181a1d',
  hover: '#202226',
  line: '#27292d',
  lineStrong: '#70757c',
  ink: '#ebedef',
  ink2: '#b2b6bb',
  accent: '#7cbef6',
  onAccent: '#07121e',
  accentSoft: '#172a3e',
  goodSoft: '#152c1e',
  warnSoft: '#342611',
  warn: '#edbb64',
  errorSoft: '#3e1e1e',
  error: '#f6908d',
  cachedSoft: '#2f223d',
};

/** Variables of Mermaid's `base` theme. https://mermaid.js.org/config/theming.html */
export const DIAGRAM_THEMES = { light: themeVariables(LIGHT, false), dark: themeVariables(DARK, true) };

function themeVariables(colors: typeof LIGHT, darkMode: boolean) {
  const { accentSoft, goodSoft, warnSoft, errorSoft, cachedSoft, hover } = colors;
  const scale = [accentSoft, goodSoft, warnSoft, cachedSoft, errorSoft, hover];
  const numbered = (name: (index: number) => string, count: number, value: (index: number) => string | undefined) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), value(index)]));
  return {
    darkMode,
    fontFamily: DIAGRAM_FONTS,
    fontSize: '14px',
    useGradient: false,
    dropShadow: 'none',
    background: colors.sunken,
    mainBkg: colors.surface,
    primaryColor: colors.surface,
    primaryTextColor: colors.ink,
    primaryBorderColor: colors.lineStrong,
    secondaryColor: accentSoft,
    secondaryTextColor: colors.ink,
    secondaryBorderColor: colors.accent,
    tertiaryColor: hover,
    tertiaryTextColor: colors.ink,
    tertiaryBorderColor: colors.line,
    nodeBorder: colors.lineStrong,
    clusterBkg: hover,
    clusterBorder: colors.line,
    lineColor: colors.lineStrong,
    textColor: colors.ink,
    titleColor: colors.ink,
    edgeLabelBackground: colors.sunken,
    noteBkgColor: warnSoft,
    noteTextColor: colors.ink,
    noteBorderColor: colors.warn,
    actorBkg: colors.surface,
    actorBorder: colors.lineStrong,
    actorTextColor: colors.ink,
    signalColor: colors.ink2,
    signalTextColor: colors.ink,
    labelBoxBkgColor: hover,
    activationBkgColor: accentSoft,
    activationBorderColor: colors.accent,
    taskBkgColor: accentSoft,
    taskBorderColor: colors.accent,
    taskTextColor: colors.ink,
    taskTextDarkColor: colors.ink,
    taskTextOutsideColor: colors.ink,
    activeTaskBkgColor: colors.accent,
    activeTaskBorderColor: colors.accent,
    doneTaskBkgColor: hover,
    doneTaskBorderColor: colors.lineStrong,
    critBkgColor: errorSoft,
    critBorderColor: colors.error,
    gridColor: colors.line,
    todayLineColor: colors.error,
    pieStrokeColor: colors.sunken,
    pieOuterStrokeColor: colors.line,
    pieTitleTextColor: colors.ink,
    pieSectionTextColor: colors.ink,
    pieLegendTextColor: colors.ink,
    errorBkgColor: errorSoft,
    errorTextColor: colors.ink,
    ...numbered(
      (index) => `pie${index + 1}`,
      12,
      (index) => scale[index % scale.length],
    ),
    ...numbered(
      (index) => `cScale${index}`,
      12,
      (index) => scale[index % scale.length],
    ),
    ...numbered(
      (index) => `cScaleLabel${index}`,
      12,
      () => colors.ink,
    ),
  };
}
