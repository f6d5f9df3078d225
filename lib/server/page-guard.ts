import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '#lib/config/config';
import { clientSubnet } from '#lib/http/client-ip';
import { checkPageAccess, isPage, type PageTarget } from '#lib/http/page-access';
import type { Reply } from '#lib/http/reply';
import { resolveRequestId } from '#lib/http/request-id';
import { findPublicFiles } from '#lib/server/app-paths';
import { NodeRequest } from '#lib/server/node-request';
import { writeReply } from '#lib/server/write-reply';
import { writeAccessLog } from '#lib/telemetry/log';

/**
 * Stands before Next in `server.ts`: decides who gets a page, and answers everything but GET and
 * HEAD of what Next serves. Next never sees another method: it would wait for the end of a body
 * that such a request need not have.
 */
export class PageGuard {
  readonly #settings: Config;
  readonly #isRoute: (pathname: string) => boolean;
  readonly #publicFiles: ReadonlySet<string>;

  /** `root`: the project's folder. `isRoute`: whether the route files serve a path. */
  constructor(root: string, settings: Config, isRoute: (pathname: string) => boolean) {
    this.#settings = settings;
    this.#isRoute = isRoute;
    this.#publicFiles = findPublicFiles(root);
  }

  /** Whether the request was answered here. Otherwise it is a GET or HEAD that Next may answer. */
  intercept(pathname: string, incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const started = performance.now();
    const { method = 'GET', url: target = '/', socket } = incoming;
    const request = new NodeRequest(incoming, outgoing);
    const { TRUST_PROXY: trust } = this.#settings;
    const address = clientSubnet(socket.remoteAddress, request.get('x-forwarded-for'), trust);
    const what = this.#whatIs(pathname);
    const reply =
      this.#withoutSlash(pathname, target) ??
      checkPageAccess({ method, target, headers: request, address }, what, this.#settings, Date.now());
    if (reply === undefined) return false;
    const requestId = resolveRequestId(request.get('x-request-id'));
    reply.headers['x-request-id'] = requestId;
    // An unknown path could be any text.
    writeAccessLog(
      'info',
      requestId,
      method,
      what === 'page' ? pathname : `(${what})`,
      reply.status,
      performance.now() - started,
    );
    void writeReply(reply, incoming, outgoing);
    return true;
  }

  #whatIs(pathname: string): PageTarget {
    if (pathname.startsWith('/_next/static/') || this.#publicFiles.has(pathname)) return 'file';
    return isPage(pathname) || pathname.startsWith('/_next/') ? 'page' : 'unknown';
  }

  /**
   * A path of the app with a slash behind it is redirected, as Next does, whatever the method: 308
   * keeps it and the body.
   */
  #withoutSlash(pathname: string, target: string): Reply | undefined {
    if (!pathname.endsWith('/') || pathname.length <= 2) return undefined;
    const path = pathname.slice(0, -1);
    if (!isPage(path) && !this.#publicFiles.has(path) && !this.#isRoute(path)) return undefined;
    return { status: 308, headers: { location: path + target.slice(pathname.length) }, body: null };
  }
}
