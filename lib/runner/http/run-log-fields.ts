import { callerLogFields } from '#lib/http/caller-log-fields';
import type { RequestContext } from '#lib/http/route';
import { findLanguage } from '#lib/languages/index';
import type { CodeResult } from '#lib/wire/code';

/** Access-log members of a program that has ended. `language` is what its caller called it. */
export function runLogFields(
  { caller, principal }: Pick<RequestContext, 'caller' | 'principal'>,
  language: string,
  { status, cpu_ms: cpuMs }: CodeResult,
): string {
  const id = findLanguage(language)?.id ?? '';
  return `${callerLogFields(caller, principal)},"language":"${id}","outcome":"${status}","cpu_ms":${Math.round(cpuMs)}`;
}
