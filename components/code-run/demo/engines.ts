import { findLanguageInfo } from '#lib/languages/infos';

/** The engines of demo mode, each with the files that it loads. */
export const DEMO_ENGINES = {
  python: {
    name: 'Python',
    script: 'python.js',
    assets: ['pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json'],
  },
  javascript: { name: 'JavaScript', script: 'javascript.js', assets: ['quickjs.wasm', 'prelude.js'] },
} as const;
export type DemoEngine = keyof typeof DEMO_ENGINES;

/** The engine that runs a language in the browser, if one does. */
export function demoEngineOf(language: string): DemoEngine | undefined {
  return findLanguageInfo(language)?.demoEngine;
}
