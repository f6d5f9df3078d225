import type { Diagnostic, Validator } from '#lib/languages/diagnostic';
import type { Bind, Toolchain } from '#lib/languages/language';
import { hasLegacyDecorators } from '#lib/languages/typescript/decorators';

const AT = '/opt/typescript';
const COMPILER = `${AT}/compiler`;
const TSC = `${COMPILER}/lib/tsc`;
const NODE_TYPES = `${AT}/node_modules/@types/node`;

/** TypeScript's own compiler with the types of Node, out of the app's packages; undefined where they are not installed. */
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

/**
 * What of the checker it takes to turn decorators into JavaScript, which is done where a program
 * runs.
 */
export function compilerOf({ binds, programs: { tsc } }: Toolchain): { binds: Bind[]; tsc: string } | undefined {
  return tsc === undefined ? undefined : { tsc, binds: binds.filter(({ at }) => at === COMPILER) };
}

/** What a program may have and still be right: unused names, statements that are never reached, fall-through. */
const WARNINGS = new Set([6133, 6138, 6192, 6196, 6198, 6199, 6205, 7027, 7028, 7029]);

export const typescriptValidator: Validator = {
  command: ({ toolchain: { programs }, files }) =>
    programs.tsc === undefined
      ? undefined
      : {
          argv: [
            programs.tsc,
            ...['--noEmit', '--pretty', 'false', '--ignoreConfig', '--singleThreaded', '--skipLibCheck'],
            // As Node runs it: what is imported may be CommonJS, `await` may stand at the top, files have their extension.
            ...['--target', 'esnext', '--lib', 'esnext', '--module', 'preserve', '--moduleDetection', 'force'],
            ...['--allowImportingTsExtensions', '--types', NODE_TYPES],
            ...['--strict', '--noUnusedLocals', '--noUnusedParameters', '--noFallthroughCasesInSwitch'],
            ...(hasLegacyDecorators(files) ? ['--experimentalDecorators'] : []),
            ...['--allowUnreachableCode', 'false', '--allowUnusedLabels', 'false', 'main.ts'],
          ],
        },
  failsForWarnings: true,
  installHint: "TypeScript's checker is not installed on this server. Install all of the app's packages: npm install.",
  /** `main.ts(line,column): error TS2322: message`, with more of the message in indented lines below. */
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
