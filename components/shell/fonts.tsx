import geist from '@fontsource-variable/geist/files/geist-latin-wght-normal.woff2?address';
import geistMono from '@fontsource-variable/geist-mono/files/geist-mono-latin-wght-normal.woff2?address';

/*
 * Names a font in the page's head. Else a browser learns of it when the styles have come and words in it are laid out: it then asks the system
 * for a font to do in the meantime, which takes Chromium on Linux up to a quarter of a second, and lays the page out twice.
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
