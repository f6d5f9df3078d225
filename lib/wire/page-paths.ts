/** Every page of the app; a test holds the list to the files. What is not here and no route either is the gateway's, or not found. */
export const PAGE_PATHS: ReadonlySet<string> = new Set([
  '/',
  '/playground',
  '/dashboard',
  '/gateway',
  '/docs/api',
  '/sign-in',
]);
