import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteContext } from '#lib/http/route';
import { runner } from '#lib/runner/index';
import { resetSingleton } from '#lib/singletons';
import { type CodeResult, codeResultSchema } from '#lib/wire/code';
import { POST } from '../../app/api/v1/code/run/route.ts';

/**
 * A program in each language that does what its first argument says. None of them flushes its
 * output.
 */
const PROGRAMS = {
  python: `
import os, sys, time
mode = sys.argv[1]
print("before")
if mode == "fail": sys.exit(3)
if mode == "crash": raise ValueError("crashed")
if mode == "wait": time.sleep(60)
if mode == "pause": time.sleep(1); print("after")
if mode == "partial": print("no newline", end="")
if mode == "megabyte":
    for number in range(10000): print("x" * 99)
    os._exit(5)
if mode == "stdin": print(len(sys.stdin.read()))
`,
  javascript: `
const [mode] = process.argv.slice(2);
console.log("before");
if (mode === "fail") process.exit(3);
if (mode === "crash") throw new Error("crashed");
if (mode === "wait") setInterval(() => {}, 1000);
if (mode === "pause") setTimeout(() => console.log("after"), 1000);
if (mode === "partial") process.stdout.write("no newline");
if (mode === "megabyte") { console.log(("x".repeat(99) + "\\n").repeat(9999) + "x".repeat(99)); process.exit(5); }
if (mode === "stdin") console.log(require("node:fs").readFileSync(0, "utf8").length);
`,
  typescript: `
enum Mode { Megabyte = "megabyte" }
const mode: string = process.argv[2] ?? "";
console.log("before");
if (mode === "fail") process.exit(3);
if (mode === "crash") throw new Error("crashed" as string);
if (mode === "wait") setInterval((): void => {}, 1000);
if (mode === "pause") setTimeout((): void => console.log("after"), 1000);
if (mode === "partial") process.stdout.write("no newline");
if (mode === Mode.Megabyte) { for (let n: number = 0; n < 10; n++) process.stdout.write(("x".repeat(99) + "\\n").repeat(1000)); process.exit(5); }
if (mode === "stdin") { let all = ""; process.stdin.setEncoding("utf8").on("data", (text: string) => { all += text; }).on("end", () => console.log(all.length)); }
`,
  java: `
public class Program {
  public static void main(String[] args) throws Exception {
    String mode = args[0];
    System.out.println("before");
    if (mode.equals("fail")) System.exit(3);
    if (mode.equals("crash")) throw new IllegalStateException("crashed");
    if (mode.equals("wait")) Thread.sleep(60000);
    if (mode.equals("pause")) { Thread.sleep(1000); System.out.println("after"); }
    if (mode.equals("partial")) System.out.print("no newline");
    if (mode.equals("megabyte")) { for (int n = 0; n < 10000; n++) System.out.println("x".repeat(99)); Runtime.getRuntime().halt(5); }
    if (mode.equals("stdin")) System.out.println(System.in.readAllBytes().length);
  }
}
`,
  cpp: `
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <unistd.h>
int main(int, char** args) {
  const std::string mode = args[1];
  if (mode == "megabyte") std::ios::sync_with_stdio(false);
  std::cout << "before\\n";
  if (mode == "fail") return 3;
  if (mode == "crash") { std::cout << "unfinished"; volatile int* nowhere = nullptr; *nowhere = 1; }
  if (mode == "wait") sleep(60);
  if (mode == "pause") { sleep(1); std::printf("after\\n"); }
  if (mode == "partial") std::printf("no newline");
  if (mode == "megabyte") { for (int n = 0; n < 10000; n++) std::cout << std::string(99, 'x') << '\\n'; std::_Exit(5); }
  if (mode == "stdin") std::cout << std::string(std::istreambuf_iterator<char>(std::cin), {}).size() << '\\n';
}
`,
  go: `
package main

import ("fmt"; "io"; "os"; "strings"; "time")

func main() {
	mode := os.Args[1]
	fmt.Println("before")
	switch mode {
	case "fail": os.Exit(3)
	case "crash": panic("crashed")
	case "wait": time.Sleep(time.Minute)
	case "pause": time.Sleep(time.Second); fmt.Println("after")
	case "partial": fmt.Print("no newline")
	case "megabyte":
		for n := 0; n < 10000; n++ { fmt.Println(strings.Repeat("x", 99)) }
		os.Exit(5)
	case "stdin":
		all, _ := io.ReadAll(os.Stdin)
		fmt.Println(len(all))
	}
}
`,
  rust: `
use std::{env, io::Read, process, thread, time::Duration};
fn main() {
    let mode = env::args().nth(1).unwrap();
    println!("before");
    match mode.as_str() {
        "fail" => process::exit(3),
        "crash" => panic!("crashed"),
        "wait" => thread::sleep(Duration::from_secs(60)),
        "pause" => { thread::sleep(Duration::from_secs(1)); println!("after"); }
        "partial" => print!("no newline"),
        "megabyte" => { for _ in 0..10000 { println!("{}", "x".repeat(99)); } process::exit(5) }
        "stdin" => { let mut all = String::new(); std::io::stdin().read_to_string(&mut all).unwrap(); println!("{}", all.len()); }
        _ => {}
    }
}
`,
};
type Language = keyof typeof PROGRAMS;
const LANGUAGES = Object.keys(PROGRAMS).filter((name): name is Language => name in PROGRAMS);

/** How a crash is seen from outside, and what the language says of it. */
const CRASHES: Record<Language, { exit_code: number; stderr: RegExp; unfinished?: string }> = {
  python: { exit_code: 1, stderr: /ValueError: crashed/ },
  javascript: { exit_code: 1, stderr: /Error: crashed\n +at .*main\.js:5/ },
  typescript: { exit_code: 1, stderr: /Error: crashed\n +at .*main\.ts:6/ },
  java: { exit_code: 1, stderr: /IllegalStateException: crashed\n\tat Program\.main\(Program\.java:7\)/ },
  cpp: { exit_code: 139, stderr: /^$/, unfinished: 'unfinished' },
  go: { exit_code: 2, stderr: /panic: crashed/ },
  rust: { exit_code: 101, stderr: /panicked at main\.rs:8/ },
};

const MODES = ['fail', 'crash', 'wait', 'pause', 'partial', 'megabyte', 'stdin'] as const;
type Mode = (typeof MODES)[number];
const MEGABYTE = `${'x'.repeat(99)}\n`.repeat(10_000);
/** More than a pipe holds, and with characters of several bytes. */
const STDIN = 'ä'.repeat(40_000);

function expected(language: Language, mode: Mode): Partial<CodeResult> {
  const { exit_code, unfinished = '' } = CRASHES[language];
  const fine = { status: 'success', exit_code: 0, error: null } as const;
  switch (mode) {
    case 'fail':
      return { stdout: 'before\n', status: 'runtime_error', exit_code: 3, error: null };
    case 'crash':
      return { stdout: `before\n${unfinished}`, status: 'runtime_error', exit_code };
    case 'wait':
      return { stdout: 'before\n', status: 'timeout', exit_code: 137, error: 'Timed out after 2.5 s.' };
    case 'pause':
      return { stdout: 'before\nafter\n', ...fine };
    case 'partial':
      return { stdout: 'before\nno newline', ...fine };
    case 'megabyte':
      return { stdout: `before\n${MEGABYTE}`, status: 'runtime_error', exit_code: 5, error: null };
    case 'stdin': {
      // Bytes where the language reads bytes.
      const counts = ['java', 'cpp', 'go', 'rust'].includes(language) ? Buffer.byteLength(STDIN) : STDIN.length;
      return { stdout: `before\n${counts}\n`, ...fine };
    }
  }
}

const CONTEXT: RouteContext = { params: Promise.resolve({}), peerAddress: '127.0.0.1' };

function send(language: Language, mode: Mode, headers: Record<string, string> = {}): Promise<Response> {
  const body = {
    ...{ language, code: PROGRAMS[language], args: [mode] },
    ...(mode === 'stdin' ? { stdin: STDIN } : {}),
    // Long enough for a program to begin, on a machine that is busy.
    ...(mode === 'wait' ? { timeout: 2.5 } : { timeout: 30 }),
  };
  const request = new Request('http://localhost:3000/api/v1/code/run', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return POST(request, CONTEXT);
}

interface Streamed {
  stdout: string;
  stderr: string;
  result: CodeResult;
  /** When a line of stdout was there, in ms. */
  arrival: (line: string) => number;
}

async function streamed(response: Response): Promise<Streamed> {
  const text = { stdout: '', stderr: '' };
  const arrivals: { stdout: string; at: number }[] = [];
  let result: CodeResult | undefined;
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'result') result = codeResultSchema.parse(JSON.parse(data));
      if (event !== 'stdout' && event !== 'stderr') return;
      text[event] += JSON.parse(data).text;
      if (event === 'stdout') arrivals.push({ stdout: text.stdout, at: performance.now() });
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
  if (result === undefined) throw new Error('there was no result');
  const arrival = (line: string) => arrivals.find(({ stdout }) => stdout.includes(line))?.at ?? Number.NaN;
  return { ...text, result, arrival };
}

const PREPARATION_MS = 600_000;
const RUN_MS = 120_000;

describe.each([
  { name: 'each in a sandbox made for it', megabytes: '0' },
  { name: 'each in a sandbox that waited for it', megabytes: '2048' },
])('output, $name', ({ megabytes }) => {
  const settings = {
    ...{ CODE_WARM_MEMORY_MB: megabytes, CODE_MAX_OUTPUT_BYTES: '2000000', CODE_COMPILE_TIMEOUT_SECONDS: '100' },
    // Most of them sleep.
    ...{ CODE_MAX_CONCURRENT: '6', CODE_MAX_QUEUE: '200', RATE_LIMIT_CODE: '0' },
  };
  beforeAll(async () => {
    Object.assign(process.env, settings);
    resetSingleton('config');
    resetSingleton('runner');
    await runner().prepared();
  }, PREPARATION_MS);
  afterAll(async () => {
    await runner().close();
    for (const name of Object.keys(settings)) delete process.env[name];
    resetSingleton('config');
    resetSingleton('runner');
  });

  it.concurrent.each(LANGUAGES)(
    'is the same as JSON and as events, and whole: %s',
    { timeout: RUN_MS },
    async (language) => {
      for (const mode of MODES) {
        const [told, live] = await Promise.all([
          send(language, mode).then(async (response) => codeResultSchema.parse(await response.json())),
          send(language, mode, { accept: 'text/event-stream' }).then(streamed),
        ]);
        const wanted = { ...expected(language, mode), stage: 'run', truncated: false };
        for (const { compile: _, ...result } of [told, live.result]) expect(result, mode).toMatchObject(wanted);
        expect({ stdout: live.stdout, stderr: live.stderr }, mode).toEqual({
          stdout: live.result.stdout,
          stderr: live.result.stderr,
        });
        if (mode === 'crash')
          for (const { stderr } of [told, live.result]) expect(stderr).toMatch(CRASHES[language].stderr);
        else expect([told.stderr, live.stderr], mode).toEqual(['', '']);
        // The program pauses for a second; a busy machine delivers the first line late.
        if (mode === 'pause') expect(live.arrival('after') - live.arrival('before')).toBeGreaterThan(200);
      }
    },
  );
});
