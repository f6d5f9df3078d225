import type { Diagnostic } from '#lib/languages/diagnostic';
import type { Bind, Toolchain, Validator } from '#lib/languages/language';
import { hasLegacyDecorators } from '#lib/languages/typescript/decorators';

const AT = '/opt/typescript';
const COMPILER = `${AT}/compiler`;
const TSC = `${COMPILER}/lib/tsc`;
const NODE_TYPES = `${AT}/node_modules/@types/node`;

/**
 * Finds TypeScript's compiler and the types of Node in the app's packages. Undefined if they are
 * not installed.
 */
export function findTypeScriptChecker(
  packages: string,
  exists: (path: string) => boolean,
): { tsc: string; binds: Bind[] } | undefined {
  const binds = [
    { from: `${packages}/@typescript/typescript-${process.platform}-${process.arch}`, at: COMPILER },
    { from: `${packages}/@types/node`, at: NODE_TYPES },
    { from: `${packages}/undici-types`, at: `${AT}/node_modules/undici-types` },
  ];
  return binds.every(({ from }) => exists(from)) ? { tsc: TSC, binds } : undefined;
}

/** The part of the checker that compiles decorators, which a run needs. */
export function compilerOf({ binds, programs: { tsc } }: Toolchain): { binds: Bind[]; tsc: string } | undefined {
  return tsc === undefined ? undefined : { tsc, binds: binds.filter(({ at }) => at === COMPILER) };
}

/**
 * Codes of findings that do not make a program wrong: unused names, unreachable code,
 * fall-through.
 */
const WARNINGS = new Set([6133, 6138, 6192, 6196, 6198, 6199, 6205, 7027, 7028, 7029]);

export const typescriptValidator: Validator = {
  command: ({ toolchain: { programs }, files }) =>
    programs.tsc === undefined
      ? undefined
      : {
          argv: [
            programs.tsc,
            ...['--noEmit', '--pretty', 'false', '--ignoreConfig', '--singleThreaded', '--skipLibCheck'],
            // As Node runs it: with CommonJS imports, top-level `await`, and extensions in import
            // paths.
            ...['--target', 'esnext', '--lib', 'esnext', '--module', 'preserve', '--moduleDetection', 'force'],
            ...['--allowImportingTsExtensions', '--types', NODE_TYPES],
            ...['--strict', '--noUnusedLocals', '--noUnusedParameters', '--noFallthroughCasesInSwitch'],
            ...(hasLegacyDecorators(files) ? ['--experimentalDecorators'] : []),
            ...['--allowUnreachableCode', 'false', '--allowUnusedLabels', 'false', 'main.ts'],
          ],
        },
  failsForWarnings: true,
  installHint: "TypeScript's checker is not installed on this server. Install all of the app's packages: npm install.",
  /** Reads `main.ts(line,column): error TS2322: message`, with details in indented lines below. */
  parse: ({ stdout }) => {
    const found: Diagnostic[] = [];
    for (const text of stdout.split('\n')) {
      const match = /^(?:(.+)\((\d+),(\d+)\): )?error TS(\d+): (.*)$/.exec(text);
      const last = found.at(-1);
      if (match !== null) {
        const [, file, line, column, code, message] = match;
        const isHere = file === 'main.ts';
        found.push({
          severity: WARNINGS.has(Number(code)) ? 'warning' : 'error',
          line: isHere ? Number(line) : 1,
          column: isHere ? Number(column) : 1,
          message: `TS${code}: ${message}`,
        });
      } else if (last !== undefined && text.startsWith(' ')) last.message += `\n${text}`;
    }
    return found;
  },
};
