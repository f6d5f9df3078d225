import { COMMENT_OR_LITERAL, DECORATOR } from '#lib/languages/typescript/decorators';
import { MAX_HEADER_BYTES } from '#lib/runner/stdout-header';

/**
 * What a Node that waits for TypeScript does, as scripts. To strip types takes twenty megabytes, which Node must give back at its
 * end, and a program that was seen before needs none of it: what was made of its files is told to the host before it begins (see
 * `Language.warmAgain`), and handed over with the same program the next time.
 */

/** Where a program's process finds TypeScript's own compiler; the program does not. */
export const COMPILER_VARIABLE = 'CHILL_SPACE_TYPESCRIPT';

/**
 * `made` gives the JavaScript of a file, and whether that is a module. Node finds that out by
 * compiling it (the messages are in its `node_contextify.cc`): so does this. Decorators and
 * `accessor` pass through where types are stripped, and cannot be run: TypeScript's own compiler,
 * which takes a few milliseconds where it checks nothing, turns them into something that can.
 */
const MAKE = `
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
const decorated = (file, isLegacy) => {
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
      // Its threads follow the cores, and there may be more of those than the program may have
      // threads.
    ], { env: { GOMAXPROCS: '2' }, stdio: ['ignore', 'ignore', 'pipe'] });
    const [name] = readdirSync(directory);
    // It complains of much that can be run, and then it has written the file nevertheless.
    if (error || signal || name === undefined) {
      const [said] = String(stderr ?? '').trim().split('\\n');
      const why = error?.message ?? (signal ? 'it was ended by ' + signal : said || 'it ended with ' + status);
      throw new SyntaxError('The decorators of ' + file + ' could not be compiled: ' + why + '. Are there processes, memory and disk enough?');
    }
    // Strictness is the compiler's own idea, and its map names the file from where it wrote.
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
const made = (file, source, isLegacy) => {
  // Also where it is not needed: it finds what is no TypeScript.
  const stripped = strip(source, file);
  const isDecorated = compiler !== undefined && hasDecorators(source);
  const code = isDecorated ? decorated(file, isLegacy) : stripped;
  return { code, format: formatOf(code), isDecorated };
};
/** What Node itself does not say of a file that it then takes as it is. */
const isOfDecorators = (error) => error instanceof SyntaxError && error.message.startsWith('The decorators of ');
/**
 * Has Node take what was made of a file, which \`find\` gives; what it does not give Node strips
 * itself.
 */
const take = (find) => registerHooks({
  load: (url, context, next) => {
    let loaded;
    try {
      loaded = next(url, context);
    } catch (error) {
      // This file is not in the program's traces.
      if (typeof error?.stack === 'string') error.stack = error.stack.replace(/\\n +at .*\\(\\/program:.*/g, '');
      throw error;
    }
    const file = /typescript$/.test(loaded.format) ? find(url, String(loaded.source)) : undefined;
    if (file === undefined) return loaded;
    // Without more, 'typescript' is either, and so is 'commonjs-typescript' of what Node could not
    // compile to find out.
    const isOpen = loaded.format === 'typescript' || (file.isDecorated && loaded.format === 'commonjs-typescript' && url.endsWith('.ts'));
    return { ...loaded, format: isOpen ? file.format : loaded.format.replace('-typescript', ''), source: file.code };
  },
});
/** For a file of which nothing was made beforehand. */
const late = (url, source, isLegacy) => {
  if (!hasDecorators(source) || !url.startsWith('file:')) return undefined;
  try {
    return made(fileURLToPath(url), source, isLegacy);
  } catch (error) {
    if (isOfDecorators(error)) throw error;
    return undefined;
  }
};
`;

const MODULES = `${MAKE}
registerHooks({ load: (url, context, next) => next(url, context) }).deregister();
`;

/**
 * For a Node that did not wait, and a program that has decorators; without any, Node needs no help.
 */
export function compileDecorators(isLegacy: boolean): string {
  return `${MAKE}\ntake((url, source) => late(url, source, ${isLegacy}));\n`;
}

/** Node loads what strips types when it first sees some, which takes longer than all the rest; the second time it has more ready still. */
export const WARM_UP_STRIPPING = `${MODULES}
for (const source of [
  'import type { A } from "./a.ts"; interface B<T> { c?: T[] } enum D { E } class F { constructor(private g: number) {} }' +
    'const h = async <T,>(i: T, ...j: string[]): Promise<B<T>> => ({ c: [i] satisfies T[] }); console.log(\`\${h as unknown}\`);',
  'type A = { b: string }; function c({ b }: A): string { return "d" + b; } console.log(c({ b: "e" }));',
]) compileFunction(strip(hasDecorators(source) ? '' : source, 'file.ts'));
`;

/** For what is stripped already. */
export const WARM_UP_STRIPPED = MODULES;

/**
 * Says what was made of the files, and has Node take it where it would strip a file itself, as long
 * as the file is what it was. Of a file that cannot be stripped or compiled nothing is made, and
 * Node says what is wrong with it, should the program come to it.
 */
export const STRIP_TYPES = `
const sources = new Map(program.files.map(({ name, content }) => [name, Buffer.from(content, 'base64').toString()]));
const files = program.made !== undefined ? JSON.parse(program.made) : [...sources].flatMap(([name, source]) => {
  try {
    return /\\.[cm]?ts$/.test(name) ? [{ name, ...made(path.resolve(name), source, program.isLegacy) }] : [];
  } catch {
    return [];
  }
});
let told = Buffer.from(program.made === undefined && files.length > 0 ? JSON.stringify(files) : '');
if (told.byteLength > ${MAX_HEADER_BYTES}) told = Buffer.alloc(0);
const length = Buffer.alloc(4);
length.writeUInt32BE(told.byteLength);
for (let rest = Buffer.concat([length, told]); rest.byteLength > 0; ) rest = rest.subarray(fs.writeSync(1, rest));
const known = new Map(files.map((file) => [pathToFileURL(path.resolve(file.name)).href, file]));
if (known.size > 0) take((url, source) => {
  const file = known.get(url);
  return file !== undefined && source === sources.get(file.name) ? file : late(url, source, program.isLegacy);
});
`;
