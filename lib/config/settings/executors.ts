import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { httpUrls, optionalText } from '#lib/config/settings/value-schemas';
import { type LanguageId, languageIdSchema } from '#lib/wire/code';

/** Aliases in EXECUTOR_LANGUAGE. A test compares them with those of the runner. */
const SPELLINGS: Record<LanguageId, readonly string[]> = {
  python: ['py', 'python3'],
  javascript: ['js', 'node', 'nodejs'],
  typescript: ['ts'],
  java: [],
  cpp: ['c++', 'cxx', 'cplusplus', 'g++'],
  go: ['golang'],
  rust: ['rs'],
};
const LANGUAGE_OF = new Map(
  languageIdSchema.options.flatMap((id) => [id, ...SPELLINGS[id]].map((spelling) => [spelling, id] as const)),
);

const language = () =>
  z.string().transform((word, context): LanguageId => {
    const id = LANGUAGE_OF.get(word.toLowerCase());
    if (id !== undefined) return id;
    context.addIssue({ code: 'custom', message: 'must be python, javascript, typescript, java, cpp, go or rust' });
    return z.NEVER;
  });

export const EXECUTOR_SETTINGS = {
  EXECUTOR_LANGUAGE: setting(
    language().optional(),
    undefined,
    'Be the executor of this one language: PORT is then 8001 python, 8002 javascript and typescript, 8003 java, 8004 cpp, 8005 go, 8006 rust, and there are no rate limits of code.',
  ),
  PYTHON_EXECUTOR_URL: setting(httpUrls(), '', 'Where Python is run instead of here; replicas comma-separated.'),
  JAVASCRIPT_EXECUTOR_URL: setting(httpUrls(), '', 'The same for JavaScript and TypeScript.'),
  JAVA_EXECUTOR_URL: setting(httpUrls(), '', 'The same for Java.'),
  CPP_EXECUTOR_URL: setting(httpUrls(), '', 'The same for C++.'),
  GO_EXECUTOR_URL: setting(httpUrls(), '', 'The same for Go.'),
  RUST_EXECUTOR_URL: setting(httpUrls(), '', 'The same for Rust.'),
  EXECUTOR_API_KEY: setting(optionalText(), undefined, 'The key that these executors ask for.'),
};
