/** Paths of all pages; a test compares them with the files. */
export const PAGE_PATHS: ReadonlySet<string> = new Set([
  '/',
  '/playground',
  '/dashboard',
  '/gateway',
  '/docs/api',
  '/sign-in',
]);
