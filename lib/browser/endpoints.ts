/**
 * Base URLs of the API. Next inlines both settings at build time; empty means the page's origin.
 */
const withoutSlash = (url: string | undefined) => (url ?? '').trim().replace(/\/+$/, '');

/** Prefix of `/api/…`. */
export const API_BASE = withoutSlash(process.env.NEXT_PUBLIC_API_URL);

/** Prefix of `/code/run` and `/health`. */
export const CODE_API_BASE = withoutSlash(process.env.NEXT_PUBLIC_CODE_API_URL) || '/api/v1';

/**
 * Prefix of `/{language}/validate`: a sibling of the runner's routes, `…/api/v1` and
 * `…/api/executors`.
 */
export const EXECUTORS_BASE = `${CODE_API_BASE.replace(/\/v1$/, '')}/executors`;

/** Other origins that the pages call, for the content security policy. */
export function foreignOrigins(): string[] {
  const origins = [API_BASE, CODE_API_BASE].filter((base) => URL.canParse(base)).map((base) => new URL(base).origin);
  return [...new Set(origins)];
}
