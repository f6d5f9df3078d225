import { MAX_ARTIFACT_BYTES } from '#lib/languages/sandbox-interface';
import { COMMENT_OR_LITERAL, DECORATOR } from '#lib/languages/typescript/decorators';

/**
 * The scripts of a warm Node for TypeScript. Stripping types takes memory that Node must release
 * at its end. A program that was seen before needs none of it: its JavaScript goes to the host
 * first (see `Language.warmCached`), which sends it along the next time.
 */

/**
 * The variable with the path of TypeScript's compiler. It is deleted before the program begins.
 */
export const COMPILER_VARIABLE = 'CHILL_SPACE_TYPESCRIPT';

/**
 * `transpile` returns the JavaScript of a file, and whether that is a module. Like Node, it
 * decides that by compiling it; the messages are those of `node_contextify.cc`. Decorators and
 * `accessor` survive the stripping of types and cannot be run, so that TypeScript's compiler,
 * without checks, compiles such a file.
 */
const TRANSPILE = `
const { compileFunction } = process.getBuiltinModule('node:vm');
const { pathToFileURL, fileURLToPath } = process.getBuiltinModule('node:url');
const { registerHooks, stripTypeScriptTypes } = process.getBuiltinModule('node:module');
const compiler = process.env.${COMPILER_VARIABLE};
delete process.env.${COMPILER_VARIABLE};
const ONLY_IN_MODULES =
  /^(?:Cannot use import statement outside a module|Unexpected token 'export'|Cannot use 'import\\.meta' outside a module|Unexpected reserved word|await is only valid in async functions and the top level bodies of modules|Identifier '(?:exports|require|module|__filename|__dirname)' has already been declared)$/;
const strip = (source, sourceUrl) => stripTypeScriptTypes(source, { mode: 'transform', sourceMap: true, sourceUrl });
const formatOf = (code) => {
  try {
    compileFunction(code, ['exports', 'require', 'module', '__filename', '__dirname']);
    return 'commonjs';
  } catch (error) {
    if (ONLY_IN_MODULES.test(error.message)) return 'module';
    throw error;
  }
};
const compileWithDecorators = (file, isLegacy) => {
  const { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } = process.getBuiltinModule('node:fs');
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const memory = '/dev/shm';
  const directory = mkdtempSync((existsSync(memory) ? memory : process.getBuiltinModule('node:os').tmpdir()) + '/typescript-');
  try {
    const { error, signal, status, stderr } = spawnSync(compiler, [
      ...['--ignoreConfig', '--noCheck', '--noLib', '--noResolve', '--isolatedModules', '--verbatimModuleSyntax'],
      ...['--target', 'es2022', '--module', 'preserve', '--newLine', 'lf'],
      ...['--inlineSourceMap', '--inlineSources', '--outDir', directory],
      ...(isLegacy ? ['--experimentalDecorators', '--useDefineForClassFields', 'false'] : []),
      file,
      // Its threads follow the cores, which may be more than the program may have threads.
    ], { env: { GOMAXPROCS: '2' }, stdio: ['ignore', 'ignore', 'pipe'] });
    const [name] = readdirSync(directory);
    // It reports errors for much that can be run, and writes the file all the same.
    if (error || signal || name === undefined) {
      const [firstLine] = String(stderr ?? '').trim().split('\\n');
      const why = error?.message ?? (signal ? 'it was ended by ' + signal : firstLine || 'it ended with ' + status);
      throw new SyntaxError('The decorators of ' + file + ' could not be compiled: ' + why + '. Are there processes, memory and disk enough?');
    }
    // The compiler adds strict mode, and its source map has a path relative to its output.
    return readFileSync(directory + '/' + name, 'utf8')
      .replace(/^"use strict";/, '')
      .replace(/(?<=sourceMappingURL=data:application\\/json;base64,)\\S+\\s*$/, (map) => {
        const { sourceRoot, ...rest } = JSON.parse(Buffer.from(map, 'base64'));
        return Buffer.from(JSON.stringify({ ...rest, sources: [file] })).toString('base64');
      });
  } finally {
    rmSync(directory, { recursive: true });
  }
};
const ASIDE = ${COMMENT_OR_LITERAL};
const DECORATOR = ${DECORATOR};
const hasDecorators = (source) => DECORATOR.test(source.replace(ASIDE, '""'));
const transpile = (file, source, isLegacy) => {
  // Also for a file with decorators: it finds syntax errors.
  const stripped = strip(source, file);
  const isDecorated = compiler !== undefined && hasDecorators(source);
  const code = isDecorated ? compileWithDecorators(file, isLegacy) : stripped;
  return { code, format: formatOf(code), isDecorated };
};
/** Errors that Node would not report itself. */
const isOfDecorators = (error) => error instanceof SyntaxError && error.message.startsWith('The decorators of ');
/**
 * Has Node load the JavaScript that \`find\` returns for a file. Node strips the others itself.
 */
const loadWith = (find) => registerHooks({
  load: (url, context, next) => {
    let loaded;
    try {
      loaded = next(url, context);
    } catch (error) {
      // Hides this file from the program's stack traces.
      if (typeof error?.stack === 'string') error.stack = error.stack.replace(/\\n +at .*\\(\\/program:.*/g, '');
      throw error;
    }
    const file = /typescript$/.test(loaded.format) ? find(url, String(loaded.source)) : undefined;
    if (file === undefined) return loaded;
    // 'typescript' may be either format, and so may 'commonjs-typescript' of a file that Node
    // could not compile to decide.
    const isOpen = loaded.format === 'typescript' || (file.isDecorated && loaded.format === 'commonjs-typescript' && url.endsWith('.ts'));
    return { ...loaded, format: isOpen ? file.format : loaded.format.replace('-typescript', ''), source: file.code };
  },
});
/** Transpiles a file that the program writes or imports later. */
const transpileLate = (url, source, isLegacy) => {
  if (!hasDecorators(source) || !url.startsWith('file:')) return undefined;
  try {
    return transpile(fileURLToPath(url), source, isLegacy);
  } catch (error) {
    if (isOfDecorators(error)) throw error;
    return undefined;
  }
};
`;

const MODULES = `${TRANSPILE}
registerHooks({ load: (url, context, next) => next(url, context) }).deregister();
`;

/** The script of a cold Node for a program with decorators; without them, Node needs none. */
export function compileDecorators(isLegacy: boolean): string {
  return `${TRANSPILE}\nloadWith((url, source) => transpileLate(url, source, ${isLegacy}));\n`;
}

/**
 * Strips types beforehand: Node loads its stripper with the first file, and warms up with the
 * second.
 */
export const WARM_UP_STRIPPING = `${MODULES}
for (const source of [
  'import type { A } from "./a.ts"; interface B<T> { c?: T[] } enum D { E } class F { constructor(private g: number) {} }' +
    'const h = async <T,>(i: T, ...j: string[]): Promise<B<T>> => ({ c: [i] satisfies T[] }); console.log(\`\${h as unknown}\`);',
  'type A = { b: string }; function c({ b }: A): string { return "d" + b; } console.log(c({ b: "e" }));',
]) compileFunction(strip(hasDecorators(source) ? '' : source, 'file.ts'));
`;

/** The warm-up for programs whose JavaScript comes with them. */
export const WARM_UP_STRIPPED = MODULES;

/**
 * Writes the JavaScript of the files to the host, and has Node load it as long as a file has its
 * original text. A file that cannot be transpiled is left out, and Node reports its error when the
 * program loads it.
 */
export const STRIP_TYPES = `
const sources = new Map(program.files.map(({ name, content }) => [name, Buffer.from(content, 'base64').toString()]));
const files = program.artifact !== undefined ? JSON.parse(program.artifact) : [...sources].flatMap(([name, source]) => {
  try {
    return /\\.[cm]?ts$/.test(name) ? [{ name, ...transpile(path.resolve(name), source, program.isLegacy) }] : [];
  } catch {
    return [];
  }
});
let header = Buffer.from(program.artifact === undefined && files.length > 0 ? JSON.stringify(files) : '');
if (header.byteLength > ${MAX_ARTIFACT_BYTES}) header = Buffer.alloc(0);
const length = Buffer.alloc(4);
length.writeUInt32BE(header.byteLength);
for (let rest = Buffer.concat([length, header]); rest.byteLength > 0; ) rest = rest.subarray(fs.writeSync(1, rest));
const known = new Map(files.map((file) => [pathToFileURL(path.resolve(file.name)).href, file]));
if (known.size > 0) loadWith((url, source) => {
  const file = known.get(url);
  return file !== undefined && source === sources.get(file.name) ? file : transpileLate(url, source, program.isLegacy);
});
`;
