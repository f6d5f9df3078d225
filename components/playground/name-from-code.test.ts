import { expect, it } from 'vitest';
import { SAMPLES } from '#lib/languages/samples';
import { nameFromCode } from './name-from-code.ts';

it.each([
  ['# Sieve of Eratosthenes.\ndef sieve(n):\n  pass', 'Sieve of Eratosthenes'],
  ['#!/usr/bin/env python3\n"""Counts words."""\nimport sys', 'Counts words'],
  ['"""\nCounts words\n\nand more\n"""', 'Counts words'],
  ['/*\n * Two sums\n */\nint main(void) {}', 'Two sums'],
  ['// main.go\npackage main\n\nfunc (s *Stack) Push(x int) {', 'Push'],
  ['# -*- coding: utf-8 -*-\nclass Étudiant:', 'Étudiant'],
  ['import math\n\nasync def fetch_all(urls):', 'fetch_all'],
  ['public class Main {\n  public static int gcd(int a, int b) {', 'gcd'],
  ['#include <vector>\n\nstd::vector<int> merge(const std::vector<int>& a) {', 'merge'],
  ['#include <stdio.h>\nint main(void) {\n  // Prints a line\n  puts("a");\n}', 'Prints a line'],
  ['export const debounce = (fn: () => void, ms = 1): void => {', 'debounce'],
  ['const half = x => x / 2;', 'half'],
  ['pub(crate) struct Matrix<T> {', 'Matrix'],
  ['type Queue struct {', 'Queue'],
  ['greet() {\n  echo hi\n}', 'greet'],
  ['# Reads every line of the input and counts how often each word occurs', 'Reads every line of the input and…'],
  [`# ${'x'.repeat(80)}`, `${'x'.repeat(39)}…`],
])('%j is named %j', (code, name) => {
  expect(nameFromCode(code)).toBe(name);
});

it.each(['', 'print("hello")', 'x = 1\nif (x) {\n}', '#include <stdio.h>\nint main() {', '//\n/**/\n# ---'])(
  '%j has no name',
  (code) => {
    expect(nameFromCode(code)).toBeUndefined();
  },
);

it('is short for every sample', () => {
  const names = Object.values(SAMPLES).flatMap((samples) => samples.map(({ code }) => nameFromCode(code) ?? ''));
  expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(40);
});
