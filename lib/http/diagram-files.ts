import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { AppError } from '#lib/errors';
import { DIAGRAM_FONTS, DIAGRAM_THEMES, diagramFontStyle } from '#lib/http/diagram-theme';
import type { Reply } from '#lib/http/reply';
import { DIAGRAM_FRAME, DIAGRAM_MODULES } from '#lib/wire/diagram';

/**
 * Serves the frame in which diagrams are drawn, and Mermaid's modules. Mermaid writes styles into
 * its document and parses text of a model. So it runs in a sandboxed frame, whose policy gives it
 * an opaque origin, no network and no script but Mermaid's. Only an SVG image leaves the frame.
 * Throws `not_found`.
 */
export async function diagramFile(path: readonly string[]): Promise<Reply> {
  const name = path.join('/');
  if (name === DIAGRAM_FRAME) return frame();
  const file = name.startsWith(`${DIAGRAM_MODULES}/`) ? name.slice(DIAGRAM_MODULES.length + 1) : '';
  if (!MODULE.test(file)) throw new AppError('not_found', 'File not found.');
  const text = await readFile(join(process.cwd(), 'node_modules/mermaid/dist', file)).catch(() => {
    throw new AppError('not_found', 'File not found. Install the dependencies again: npm install.');
  });
  return {
    status: 200,
    headers: {
      'content-type': 'text/javascript; charset=utf-8',
      'content-encoding': 'gzip',
      // The path contains the version.
      'cache-control': 'public, max-age=31536000, immutable',
      // The frame has an opaque origin, so its modules are cross-origin.
      'access-control-allow-origin': '*',
    },
    body: new Uint8Array(await promisify(gzip)(text)),
  };
}

const MODULE = /^(mermaid\.esm\.min|chunks\/mermaid\.esm\.min\/[\w.-]+)\.mjs$/;

async function frame(): Promise<Reply> {
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    'sandbox allow-scripts',
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'unsafe-inline'",
    'font-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; ');
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    },
    body: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Diagrams are drawn here</title>
<style id="font">${await diagramFontStyle()}</style></head><body>
<script type="module" nonce="${nonce}">${SCRIPT}</script>
</body></html>`,
  };
}

/** Draws diagrams one after another. Only the embedding page can send messages to the frame. */
const SCRIPT = `
import mermaid from '/api/diagrams/${DIAGRAM_MODULES}/mermaid.esm.min.mjs';
const themes = ${JSON.stringify(DIAGRAM_THEMES)};
const font = document.getElementById('font').textContent;
// Text is measured with the font that it is drawn with, and with a usual one where that fails to load.
let last = Promise.all([400, 600].map((weight) => document.fonts.load(weight + ' 14px Geist'))).catch(() => {});
addEventListener('message', ({ source, data }) => {
  if (source !== parent) return;
  last = last.then(() => draw(data)).then((drawn) => parent.postMessage({ id: data.id, ...drawn }, '*'));
});
async function draw({ id, text, dark }) {
  try {
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: 'strict',
      look: 'classic',
      theme: 'base',
      themeVariables: dark ? themes.dark : themes.light,
      htmlLabels: false,
      // Options that a diagram may not set: they carry markup, styles or URLs, or lift a limit.
      secure: [
        'secure', 'securityLevel', 'startOnLoad', 'suppressErrorRendering', 'maxTextSize', 'maxEdges', 'htmlLabels',
        'themeCSS', 'fontFamily', 'altFontFamily', 'flowchart', 'class', 'state', 'dompurifyConfig', 'icon',
      ],
      suppressErrorRendering: true,
      fontFamily: ${JSON.stringify(DIAGRAM_FONTS)},
    });
    const { svg } = await mermaid.render('d' + id, text);
    const element = new DOMParser().parseFromString(svg, 'text/html').querySelector('svg');
    const [, , width, height] = (element.getAttribute('viewBox') ?? '').split(/[\\s,]+/).map(Number);
    element.setAttribute('width', width);
    element.setAttribute('height', height);
    element.removeAttribute('style');
    const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
    style.textContent = font;
    element.prepend(style);
    return { svg: new XMLSerializer().serializeToString(element), width, height };
  } catch (error) {
    document.body.replaceChildren();
    return { error: String(error?.message ?? error).slice(0, 2000) };
  }
}
parent.postMessage({ ready: true }, '*');
`;
