import type { ServerRequest } from '#lib/gateway/server-request';
import { ServerResponse } from '#lib/node-http';

/**
 * A class for the responses of one server, and a function that makes each response that has not
 * begun the last one of its connection (`Connection: close`), also those of pages and the gateway.
 * Before that call, it costs a request nothing.
 */
export function lastResponses() {
  class Response extends ServerResponse<ServerRequest> {}
  const { writeHead } = Response.prototype;
  return {
    Response,
    endConnections: () => {
      // node:http itself calls it for a response without an explicit head.
      Response.prototype.writeHead = function (this: InstanceType<typeof Response>, ...head: unknown[]) {
        this.shouldKeepAlive = false;
        return Reflect.apply(writeHead, this, head);
      };
    },
  };
}
