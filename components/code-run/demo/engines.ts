/** The engines of demo mode, and what each is made of. */
export const DEMO_ENGINES = {
  python: {
    name: 'Python',
    script: 'python.js',
    assets: ['pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json'],
  },
  javascript: { name: 'JavaScript', script: 'javascript.js', assets: ['quickjs.wasm', 'prelude.js'] },
} as const;
export type DemoEngine = keyof typeof DEMO_ENGINES;

const ENGINE_OF: Partial<Record<string, DemoEngine>> = {
  python: 'python',
  javascript: 'javascript',
  typescript: 'javascript',
};

/** The engine that really runs a language in the browser; undefined where there is none. */
export function demoEngineOf(language: string): DemoEngine | undefined {
  return ENGINE_OF[language];
}
