import geist from '@fontsource-variable/geist/files/geist-latin-wght-normal.woff2?address';
import geistMono from '@fontsource-variable/geist-mono/files/geist-mono-latin-wght-normal.woff2?address';

/*
 * Preloads a font. Otherwise a browser discovers it only after style and layout, asks the system
 * for a fallback font, which is slow in Chromium on Linux, and lays the page out twice.
 */

export function TextFont() {
  return <PreloadedFont address={geist} />;
}

export function CodeFont() {
  return <PreloadedFont address={geistMono} />;
}

function PreloadedFont({ address }: { address: string }) {
  return <link rel="preload" as="font" type="font/woff2" href={address} crossOrigin="anonymous" />;
}
