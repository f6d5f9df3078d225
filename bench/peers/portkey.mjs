/**
 * Loaded before Portkey's gateway: it changes the headers of what `fetch` gave it, which Node does
 * not allow, and without this responds with 500 to every stream. A copy of the response has
 * headers that can be changed.
 */
const fetchResponse = globalThis.fetch;
globalThis.fetch = async (...args) => {
  const { body, status, statusText, headers } = await fetchResponse(...args);
  return new Response(body, { status, statusText, headers });
};
