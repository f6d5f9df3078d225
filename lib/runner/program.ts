import { type Config, config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { findLanguage } from '#lib/languages/index';
import type { Language } from '#lib/languages/language';
import { enabledLanguages } from '#lib/runner/enabled-languages';
import type { InputFile } from '#lib/runner/sandbox/sandbox';
import type { CodeRequest } from '#lib/wire/code';

/** A validated request. */
export interface Program {
  language: Language;
  /** The main file first. */
  files: InputFile[];
  stdin: Uint8Array;
  args: readonly string[];
  seconds: number;
}

/**
 * Checks what the schema cannot. Throws `unsupported_language`, `code_too_large` or
 * `invalid_request`. Pure.
 */
export function checkRequest(request: CodeRequest, settings: Config): Program {
  const language = findLanguage(request.language);
  if (language === undefined || !enabledLanguages(settings).includes(language))
    throw new AppError(
      'unsupported_language',
      `There is no language ${JSON.stringify(request.language)} here. Languages: ${languageIds(settings).join(', ')}.`,
    );
  // Before anything parses it.
  if (request.code.length > settings.CODE_MAX_BYTES) throw tooLarge(Buffer.byteLength(request.code), settings);
  const mainFile = language.mainFileName(request.code);
  const files = [{ name: mainFile, content: encode('code', request.code) }];
  for (const [index, file] of (request.files ?? []).entries()) {
    const name = safeName(file.name, `files.${index}.name`);
    if (files.some((other) => other.name === name || isInside(other.name, name) || isInside(name, other.name)))
      throw invalid(
        `files.${index}.name`,
        `${JSON.stringify(name)} is taken: each file needs a name of its own, and the program itself is ${mainFile}`,
      );
    files.push({ name, content: encode(`files.${index}.content`, file.content) });
  }
  const size = files.reduce((sum, file) => sum + file.content.byteLength, 0);
  if (size > settings.CODE_MAX_BYTES) throw tooLarge(size, settings);
  if (request.code.trim() === '') throw invalid('code', 'must not be empty: send the program to run');
  for (const [index, arg] of (request.args ?? []).entries())
    if (arg.includes('\0')) throw invalid(`args.${index}`, 'must not hold a NUL character');
  return {
    language,
    files,
    stdin: encode('stdin', request.stdin ?? ''),
    args: request.args ?? [],
    seconds: checkSeconds(request.timeout, settings),
  };
}

function tooLarge(size: number, { CODE_MAX_BYTES }: Config): AppError {
  return new AppError('code_too_large', `The program is too large (${size} bytes; the limit is ${CODE_MAX_BYTES}).`, {
    data: { size_bytes: size, limit_bytes: CODE_MAX_BYTES },
  });
}

/** The enabled languages, whether or not they are installed. */
export function languageIds(settings: Config = config()): string[] {
  return enabledLanguages(settings).map(({ id }) => id);
}

function checkSeconds(timeout: number | undefined, settings: Config): number {
  if (timeout === undefined) return settings.CODE_TIMEOUT_SECONDS;
  if (timeout > settings.CODE_MAX_TIMEOUT_SECONDS)
    throw invalid('timeout', `must be at most ${settings.CODE_MAX_TIMEOUT_SECONDS} seconds`);
  return timeout;
}

/** Rejects half a surrogate pair, which has no UTF-8 and would become another character. */
function encode(field: string, text: string): Uint8Array {
  if (!text.isWellFormed()) throw invalid(field, 'is not valid Unicode: it holds half of a surrogate pair');
  return Buffer.from(text);
}

/** Accepts a relative path of plain segments: compilers and shells in the sandbox interpret it. */
function safeName(name: string, field: string): string {
  const parts = name.split('/');
  if (!parts.every((part) => /^[A-Za-z0-9_][A-Za-z0-9_. +-]*$/.test(part)) || parts.length > MAX_DEPTH)
    throw invalid(
      field,
      `${JSON.stringify(name)} cannot be used: take letters, digits, dots, dashes and underscores, below at most ${MAX_DEPTH - 1} folders`,
    );
  return name;
}

const MAX_DEPTH = 8;

function isInside(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

function invalid(field: string, message: string): AppError {
  return new AppError('invalid_request', `The request is not valid: ${field}: ${message}.`, {
    details: [{ field, message }],
  });
}
