/** A route file that cannot be loaded. */
export const GET = fail();

function fail(): never {
  throw new Error('/secret/path is missing');
}
