/**
 * What a Node that waits for TypeScript does, as scripts. To strip types takes twenty megabytes, which Node must give back at its
 * end, and a program that was seen before needs none of it: what was made of its files is told to the host before it begins (see
 * `Language.warmAgain`), and handed over with the same program the next time.
 */

const MODULES = `
const { compileFunction } = require('node:vm');
const { pathToFileURL } = require('node:url');
const { registerHooks, stripTypeScriptTypes } = require('node:module');
registerHooks({ load: (url, context, next) => next(url, context) }).deregister();
const strip = (source, sourceUrl) => stripTypeScriptTypes(source, { mode: 'transform', sourceMap: true, sourceUrl });
`;

/** Node loads what strips types when it first sees some, which takes longer than all the rest; the second time it has more ready still. */
export const READY_TO_STRIP = `${MODULES}
for (const source of [
  'import type { A } from "./a.ts"; interface B<T> { c?: T[] } enum D { E } class F { constructor(private g: number) {} }' +
    'const h = async <T,>(i: T, ...j: string[]): Promise<B<T>> => ({ c: [i] satisfies T[] }); console.log(\`\${h as unknown}\`);',
  'type A = { b: string }; function c({ b }: A): string { return "d" + b; } console.log(c({ b: "e" }));',
]) compileFunction(strip(source, 'file.ts'));
`;

/** For what is stripped already. */
export const READY_FOR_STRIPPED = MODULES;

/**
 * Says what was made of the files, and has Node take it where it would strip a file itself, as long as the file is what it was.
 * Whether a file is a module Node finds out by compiling it (the messages are in its `node_contextify.cc`): so does this. Of a file
 * that cannot be stripped or compiled nothing is made, and Node says what is wrong with it, should the program come to it.
 */
export const STRIP = `
const ONLY_IN_MODULES =
  /^(?:Cannot use import statement outside a module|Unexpected token 'export'|Cannot use 'import\\.meta' outside a module|Unexpected reserved word|await is only valid in async functions and the top level bodies of modules|Identifier '(?:exports|require|module|__filename|__dirname)' has already been declared)$/;
const formatOf = (code) => {
  try {
    compileFunction(code, ['exports', 'require', 'module', '__filename', '__dirname']);
    return 'commonjs';
  } catch (error) {
    if (ONLY_IN_MODULES.test(error.message)) return 'module';
    throw error;
  }
};
const sources = new Map(program.files.map(({ name, content }) => [name, Buffer.from(content, 'base64').toString()]));
const made = program.made !== undefined ? JSON.parse(program.made) : [...sources].flatMap(([name, source]) => {
  try {
    if (!/\\.[cm]?ts$/.test(name)) return [];
    const code = strip(source, path.resolve(name));
    return [{ name, code, format: formatOf(code) }];
  } catch {
    return [];
  }
});
const told = Buffer.from(program.made === undefined && made.length > 0 ? JSON.stringify(made) : '');
const length = Buffer.alloc(4);
length.writeUInt32BE(told.byteLength);
for (let rest = Buffer.concat([length, told]); rest.byteLength > 0; ) rest = rest.subarray(fs.writeSync(1, rest));
const known = new Map(made.map((file) => [pathToFileURL(path.resolve(file.name)).href, file]));
const loadedBy = (next, url, context) => {
  try {
    return next(url, context);
  } catch (error) {
    // This file is not in the program's traces.
    if (typeof error?.stack === 'string') error.stack = error.stack.replace(/\\n +at .*\\(\\/program:.*/g, '');
    throw error;
  }
};
if (known.size > 0) registerHooks({
  load: (url, context, next) => {
    const loaded = loadedBy(next, url, context);
    const file = known.get(url);
    if (file === undefined || !/typescript$/.test(loaded.format) || String(loaded.source) !== sources.get(file.name)) return loaded;
    // Without more, 'typescript' is either.
    return { ...loaded, format: loaded.format === 'typescript' ? file.format : loaded.format.replace('-typescript', ''), source: file.code };
  },
});
`;
