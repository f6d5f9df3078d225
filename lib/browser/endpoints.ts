/**
 * Where the pages find their servers. Next puts the two values in at build time; empty means the origin that served the page.
 */
const withoutSlash = (url: string | undefined) => (url ?? '').trim().replace(/\/+$/, '');

/** In front of `/api/…`. */
export const API_BASE = withoutSlash(process.env.NEXT_PUBLIC_API_URL);

/** In front of `/code/run` and `/health`. */
export const CODE_API_BASE = withoutSlash(process.env.NEXT_PUBLIC_CODE_API_URL) || '/api/v1';

/** In front of `/{language}/validate`: beside the runner's own routes, `…/api/v1` and `…/api/executors`. */
export const EXECUTORS_BASE = `${CODE_API_BASE.replace(/\/v1$/, '')}/executors`;

/** The other origins that the pages call, for the content security policy. */
export function foreignOrigins(): string[] {
  const origins = [API_BASE, CODE_API_BASE].filter((base) => URL.canParse(base)).map((base) => new URL(base).origin);
  return [...new Set(origins)];
}
