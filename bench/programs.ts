/** A hello world in each language, and how one runs it by hand, without any sandbox. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Hello {
  language: string;
  name: string;
  file: string;
  /** A different program for each number, that prints it. */
  source: (number: number) => string;
  /** The commands of a plain run, one after the other; undefined where they are not installed. */
  commands: string[][] | undefined;
  /** What `commands` are called in a table. */
  bare: string;
}

/** Those whose commands are installed on this machine. */
export function hellos(): (Hello & { commands: string[][] })[] {
  return HELLOS.flatMap((hello) => (hello.commands === undefined ? [] : [{ ...hello, commands: hello.commands }]));
}

const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path));
/** Not rustup's dispatcher, which costs time. */
const sysroot = spawnSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).stdout?.trim();
const javac = found('javac');
const gxx = found('g++');
const go = found('go');

const HELLOS: Hello[] = [
  {
    ...{ language: 'python', name: 'Python', file: 'main.py', bare: 'python3' },
    source: (number) => `print("Hello, ${number}!")\n`,
    commands: python === undefined ? undefined : [[python, 'main.py']],
  },
  {
    ...{ language: 'javascript', name: 'JavaScript', file: 'main.js', bare: 'node' },
    source: (number) => `console.log("Hello, ${number}!");\n`,
    commands: [[process.execPath, 'main.js']],
  },
  {
    ...{ language: 'typescript', name: 'TypeScript', file: 'main.ts', bare: 'node' },
    source: (number) => `const text: string = "Hello, ${number}!";\nconsole.log(text);\n`,
    commands: [[process.execPath, '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', 'main.ts']],
  },
  {
    ...{ language: 'java', name: 'Java', file: 'Main.java', bare: 'javac + java' },
    source: (number) =>
      `public class Main {\n  public static void main(String[] args) {\n    System.out.println("Hello, ${number}!");\n  }\n}\n`,
    commands:
      javac === undefined
        ? undefined
        : [
            [javac, 'Main.java'],
            [join(dirname(javac), 'java'), 'Main'],
          ],
  },
  {
    ...{ language: 'cpp', name: 'C++', file: 'main.cpp', bare: 'g++ + run' },
    source: (number) => `#include <iostream>\n\nint main() { std::cout << "Hello, ${number}!\\n"; }\n`,
    commands: gxx === undefined ? undefined : [[gxx, '-std=gnu++20', '-o', 'program', 'main.cpp'], ['./program']],
  },
  {
    ...{ language: 'go', name: 'Go', file: 'main.go', bare: 'go build + run' },
    source: (number) => `package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("Hello, ${number}!")\n}\n`,
    commands: go === undefined ? undefined : [[go, 'build', '-o', 'program', 'main.go'], ['./program']],
  },
  {
    ...{ language: 'rust', name: 'Rust', file: 'main.rs', bare: 'rustc + run' },
    source: (number) => `fn main() {\n    println!("Hello, ${number}!");\n}\n`,
    commands: sysroot
      ? [[join(sysroot, 'bin', 'rustc'), '--edition', '2021', '-o', 'program', 'main.rs'], ['./program']]
      : undefined,
  },
];

/** A directory in `below`, with the program in it. */
export function placed(hello: Hello, number: number, below: string): string {
  const directory = mkdtempSync(join(below, `${hello.language}-`));
  writeFileSync(join(directory, hello.file), hello.source(number));
  return directory;
}

/**
 * Runs the commands one after the other in `directory`; what the last one printed. Throws where
 * one fails.
 */
export async function runBare(commands: readonly string[][], directory: string): Promise<string> {
  let printed = '';
  for (const [program = '', ...args] of commands) {
    printed = '';
    const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (code !== 0) throw new Error(`${program} ended with ${code}`);
  }
  return printed;
}

function found(program: string): string | undefined {
  return spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim() || undefined;
}
