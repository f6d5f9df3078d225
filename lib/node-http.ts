/**
 * The parts of node:http that the server uses. An import of node:http as a module reads all its
 * exports, and some of them load the built-in fetch: 10 MB that nothing here needs.
 */
export const { createServer, IncomingMessage, request, ServerResponse, STATUS_CODES } =
  process.getBuiltinModule('node:http');
