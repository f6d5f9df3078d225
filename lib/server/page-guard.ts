import type { ServerResponse } from 'node:http';
import type { Config } from '#lib/config/config';
import type { ServerRequest } from '#lib/gateway/server-request';
import { clientSubnet } from '#lib/http/client-ip';
import { checkPageAccess, isPage, PAGE_PROOF_HEADER, type PageTarget, pageProof } from '#lib/http/page-access';
import type { Reply } from '#lib/http/reply';
import { resolveRequestId } from '#lib/http/request-id';
import { findPublicFiles } from '#lib/server/app-paths';
import { NodeRequest } from '#lib/server/node-request';
import { writeReply } from '#lib/server/write-reply';
import { writeAccessLog } from '#lib/telemetry/log';

/**
 * Runs before Next in `server.ts`: checks access to pages, and replies to all methods but GET and
 * HEAD. Next never sees other methods, because it would wait for the end of a body that may be
 * missing.
 */
export class PageGuard {
  readonly #settings: Config;
  readonly #isRoute: (pathname: string) => boolean;
  readonly #publicFiles: ReadonlySet<string>;

  /** `root` is the project's folder. `isRoute` says whether a route file serves a path. */
  constructor(root: string, settings: Config, isRoute: (pathname: string) => boolean) {
    this.#settings = settings;
    this.#isRoute = isRoute;
    this.#publicFiles = findPublicFiles(root);
  }

  /** Replies itself, or calls `serve` for a GET or HEAD that Next may serve. */
  intercept(pathname: string, incoming: ServerRequest, outgoing: ServerResponse, serve: () => void): void {
    const startedMs = performance.now();
    const { method = 'GET', url: target = '/', socket } = incoming;
    const request = new NodeRequest(incoming, outgoing);
    const { TRUST_PROXY: trust } = this.#settings;
    const peerAddress = socket.remoteAddress;
    const address = clientSubnet(peerAddress, request.get('x-forwarded-for'), trust);
    const kind = this.#kindOf(pathname);
    const reply =
      this.#redirectWithoutSlash(pathname, target) ??
      checkPageAccess({ method, target, headers: request, peerAddress, address }, kind, this.#settings, Date.now());
    const finish = (checked: Reply | undefined) => {
      if (checked === undefined) this.#pass(incoming, serve);
      else this.#reply(checked, kind === 'page' ? pathname : `(${kind})`, startedMs, request, incoming, outgoing);
    };
    if (reply instanceof Promise) void reply.then(finish);
    else finish(reply);
  }

  /** Next does not know the connection, and could not check the person that a proxy names. */
  #pass({ headers }: ServerRequest, serve: () => void): void {
    delete headers[PAGE_PROOF_HEADER];
    if (this.#settings.TRUSTED_USER_HEADER !== undefined) headers[PAGE_PROOF_HEADER] = pageProof();
    serve();
  }

  /** The log contains no unknown paths, which may be any text. */
  #reply(
    reply: Reply,
    path: string,
    startedMs: number,
    request: NodeRequest,
    incoming: ServerRequest,
    outgoing: ServerResponse,
  ): void {
    const requestId = resolveRequestId(request.get('x-request-id'));
    reply.headers['x-request-id'] = requestId;
    writeAccessLog('info', requestId, request.method, path, reply.status, performance.now() - startedMs);
    void writeReply(reply, incoming, outgoing);
  }

  #kindOf(pathname: string): PageTarget {
    if (pathname.startsWith('/_next/static/') || this.#publicFiles.has(pathname)) return 'file';
    return isPage(pathname) || pathname.startsWith('/_next/') ? 'page' : 'unknown';
  }

  /** Redirects a path with a trailing slash, as Next does. 308 keeps the method and the body. */
  #redirectWithoutSlash(pathname: string, target: string): Reply | undefined {
    if (!pathname.endsWith('/') || pathname.length <= 2) return undefined;
    const path = pathname.slice(0, -1);
    if (!isPage(path) && !this.#publicFiles.has(path) && !this.#isRoute(path)) return undefined;
    return { status: 308, headers: { location: path + target.slice(pathname.length) }, body: null };
  }
}
