/**
 * Loaded before Portkey's gateway: it changes the headers of what `fetch` gave it, which Node does not allow, and without
 * this answers 500 to every stream. A copy of the answer has headers that can be changed.
 */
const fetchAnswer = globalThis.fetch;
globalThis.fetch = async (...args) => {
  const { body, status, statusText, headers } = await fetchAnswer(...args);
  return new Response(body, { status, statusText, headers });
};
