import type { Readable } from 'node:stream';
import { isLoopback } from '#lib/config/loopback';
import { outboundProxies } from '#lib/config/outbound-proxies';
import { AppError } from '#lib/errors';
import { type ForwardedResponse, type ForwardRequest, redactErrorBody } from '#lib/models/forwarding';
import {
  brokenBodyError,
  errorTextOf,
  type ModelServerDescription,
  noResponseError,
  placeOrName,
  refusedFieldOf,
  statusError,
  streamedError,
} from '#lib/models/model-server-errors';
import { parseJson } from '#lib/models/parse-json';
import { redact } from '#lib/models/redact';
import { MAX_PIECE_CHARACTERS, pieceTooLong } from '#lib/models/text-stream';
import { decodeBody } from '#lib/upstream-http/content-encoding';
import { MAX_ERROR_BYTES, readErrorText, readTextUpTo, releaseBody } from '#lib/upstream-http/response-body';
import type { HeaderRecord } from '#lib/upstream-http/response-headers';
import { type ResponseConsumer, UnknownEncodingError } from '#lib/upstream-http/streamed-response';
import { UpstreamClient, type UpstreamRequest, type UpstreamResponse } from '#lib/upstream-http/upstream-client';

/** Bounds opening a connection. lib/models/resilience.ts bounds the response. */
const CONNECT_TIMEOUT_MS = 5_000;
/**
 * A shorter secret, such as the key "ollama", is a common word that redaction must not blank out.
 */
const MIN_SECRET_CHARACTERS = 8;

export interface ModelServerClientOptions {
  /** The server's name in a sentence: "Ollama". */
  name: string;
  /** The name that the operator chose. Sentences have it in place of an address. */
  ownName?: string | undefined;
  /** May hold credentials, which are sent as Basic and appear in no message. */
  url: string;
  headers?: Record<string, string>;
  /** A sentence for the operator of an unreachable server. */
  advice: string;
}

export type ModelServerRequest = Omit<UpstreamRequest, 'headers'>;

/** Maps an error status to the provider's own error, or to undefined for the usual one. */
export type MapErrorStatus = (status: number, sentence: string | undefined) => AppError | undefined;

/** HTTP client of one model server. Every failure is thrown as an `AppError`. */
export class ModelServerClient {
  readonly #http: UpstreamClient;
  readonly #server: ModelServerDescription;
  readonly #usesProxy: boolean;
  /** Hidden from callers, wherever the model server repeats them. */
  readonly #secrets: string[];
  /** Set if a setting makes every request impossible. */
  readonly #misconfigured: AppError | undefined;

  constructor({ name, ownName, url, headers, advice }: ModelServerClientOptions) {
    const { origin, host, hostname, pathname, username, password } = new URL(url);
    const isLocal = isThisMachine(hostname);
    const place = isLocal && ownName === undefined ? ` at ${origin}${pathname.replace(/\/+$/, '')}` : '';
    this.#server = { name: ownName === undefined ? name : `${name} ${ownName}`, place, advice };
    const allHeaders: Record<string, string> = {
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      ...headers,
    };
    const user = percentDecoded(username);
    const secret = percentDecoded(password);
    if (user !== '' || secret !== '')
      allHeaders.authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
    const credentials = (allHeaders.authorization ?? '').replace(/^\w+ /, '');
    const names = [host, hostname].filter((text) => /[.:-]/.test(text));
    this.#secrets = [...[credentials, secret].filter((text) => text.length >= MIN_SECRET_CHARACTERS), ...names];
    const found = isLocal ? undefined : outboundProxies();
    const isInvalid = found !== undefined && 'invalid' in found;
    if (isInvalid)
      this.#misconfigured = new AppError(
        'not_configured',
        `${found.invalid} is not an address such as http://proxy.example:3128; correct it.`,
      );
    const proxies = isInvalid ? undefined : found;
    this.#usesProxy = proxies !== undefined;
    this.#http = new UpstreamClient({ url, headers: allHeaders, connectTimeoutMs: CONNECT_TIMEOUT_MS, proxies });
  }

  /** Open connections. Those through a proxy are not counted. */
  get connections(): number {
    return this.#http.connections;
  }

  /**
   * Passes the body of a successful response to `onBytes` while it arrives. When `onBytes` returns
   * true, the response is complete: the rest of the body is read only so that the connection can be
   * reused. Resolves when the connection is free, or after a moment. An abort of `signal`, or an
   * error that `onBytes` throws, ends the request upstream, and is thrown.
   */
  async stream(
    request: ModelServerRequest,
    onBytes: (chunk: Buffer) => boolean,
    mapErrorStatus?: MapErrorStatus,
  ): Promise<void> {
    request.signal.throwIfAborted();
    if (this.#misconfigured !== undefined) throw this.#misconfigured;
    const response = new StreamConsumer(onBytes);
    try {
      await this.#http.stream(request, response);
    } catch (error) {
      request.signal.throwIfAborted();
      if (AppError.is(error)) throw error;
      const { head } = response;
      if (head === undefined) throw noResponseError(this.#server, error, this.#usesProxy);
      const isUnknownEncoding = error instanceof UnknownEncodingError;
      if (head.isSuccess)
        throw isUnknownEncoding ? this.#unknownEncoding(error.encoding) : brokenBodyError(this.#server, error);
    }
    const { head } = response;
    if (head === undefined || head.isSuccess) return;
    const errorBody = parseJson(response.errorText());
    const sentence = this.errorText(errorBody);
    throw (
      mapErrorStatus?.(head.statusCode, sentence) ??
      statusError(this.#server, head, sentence, refusedFieldOf(errorBody, sentence))
    );
  }

  /** A JSON body, unchecked. Throws `upstream_failed` above `MAX_PIECE_CHARACTERS` bytes. */
  async json(request: ModelServerRequest, mapErrorStatus?: MapErrorStatus): Promise<unknown> {
    const body = await this.#send(request, mapErrorStatus);
    let text: string | undefined;
    try {
      text = await readTextUpTo(body, MAX_PIECE_CHARACTERS);
    } catch (error) {
      request.signal.throwIfAborted();
      throw brokenBodyError(this.#server, error);
    }
    if (text === undefined) throw pieceTooLong();
    try {
      return JSON.parse(text);
    } catch (error) {
      const { name, place } = this.#server;
      throw new AppError('upstream_failed', `${name}${place} sent a response that is not JSON.`, { cause: error });
    }
  }

  /**
   * Sends a request as it is. Resolves with the head of the response; an error's body is read and
   * made safe to show. A status that is about this server's own credentials, or a redirect, is
   * thrown.
   */
  async forward({ method, path, headers, content }: ForwardRequest, signal: AbortSignal): Promise<ForwardedResponse> {
    signal.throwIfAborted();
    if (this.#misconfigured !== undefined) throw this.#misconfigured;
    let response: UpstreamResponse;
    try {
      response = await this.#http.request({ method, path, headers, content, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw noResponseError(this.#server, error, this.#usesProxy);
    }
    const { statusCode, headers: received } = response;
    const encoding = received['content-encoding'];
    const body = method === 'HEAD' ? response.body : decodeBody(response.body, encoding);
    if (body === undefined) {
      await releaseBody(response.body, false);
      throw this.#unknownEncoding(String(encoding));
    }
    // What is decoded has another length.
    const kept = { ...received, ...(body === response.body ? {} : { 'content-length': undefined }) };
    if (statusCode >= 200 && statusCode < 300) return { isSuccess: true, statusCode, headers: kept, body };
    const text = await readErrorText(body);
    signal.throwIfAborted();
    const sentence = this.errorText(parseJson(text));
    if (statusCode < 400 || statusCode === 401 || statusCode === 403)
      throw statusError(this.#server, response, sentence);
    const errorBody = redactErrorBody(text, (one) => this.redact(one));
    return { isSuccess: false, statusCode, headers: { ...kept, 'content-length': undefined }, errorBody, sentence };
  }

  /** Makes a text of the model server safe to show to callers. */
  redact(text: string): string {
    return redact(text, this.#secrets);
  }

  /** The sentence in an error body, safe to show to callers. */
  errorText(body: unknown): string | undefined {
    const text = errorTextOf(body);
    return text === undefined ? undefined : this.redact(text);
  }

  /** The error for an error object in a response with status 200. */
  streamedError(body: unknown): AppError {
    return streamedError(this.#server, body, this.errorText(body));
  }

  /**
   * The error for a response of something else than the expected server. `what` ends the sentence.
   */
  unexpectedServer(what: string): AppError {
    return new AppError('upstream_failed', `What answers${placeOrName(this.#server)} ${what}`);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /** The decoded body of a successful response. */
  async #send(request: ModelServerRequest, mapErrorStatus?: MapErrorStatus): Promise<Readable> {
    const { signal } = request;
    signal.throwIfAborted();
    if (this.#misconfigured !== undefined) throw this.#misconfigured;
    let response: UpstreamResponse;
    try {
      response = await this.#http.request(request);
    } catch (error) {
      signal.throwIfAborted();
      throw noResponseError(this.#server, error, this.#usesProxy);
    }
    const encoding = response.headers['content-encoding'];
    const body = decodeBody(response.body, encoding);
    const isSuccess = response.statusCode >= 200 && response.statusCode < 300;
    if (body === undefined) await releaseBody(response.body, false);
    if (body === undefined && isSuccess) throw this.#unknownEncoding(String(encoding));
    if (body !== undefined && isSuccess) return body;
    const sentence = body === undefined ? undefined : this.errorText(parseJson(await readErrorText(body)));
    signal.throwIfAborted();
    throw mapErrorStatus?.(response.statusCode, sentence) ?? statusError(this.#server, response, sentence);
  }

  #unknownEncoding(encoding: string): AppError {
    const { name, place } = this.#server;
    return new AppError(
      'not_configured',
      `${name}${place} sends responses with Content-Encoding ${this.redact(encoding)}, which is not supported. Turn it off on that server or its proxy.`,
    );
  }
}

/** Passes on the bytes of a successful response, and keeps those of an error. */
class StreamConsumer implements ResponseConsumer {
  readonly #onBytes: (chunk: Buffer) => boolean;
  head: { isSuccess: boolean; statusCode: number; headers: HeaderRecord } | undefined;
  readonly #errorChunks: Uint8Array[] = [];
  #errorBytes = 0;

  constructor(onBytes: (chunk: Buffer) => boolean) {
    this.#onBytes = onBytes;
  }

  onHead(statusCode: number, headers: HeaderRecord): void {
    this.head = { isSuccess: statusCode >= 200 && statusCode < 300, statusCode, headers };
  }

  onBytes(chunk: Buffer): boolean {
    if (this.head?.isSuccess === true) return this.#onBytes(chunk);
    this.#errorChunks.push(Buffer.from(chunk));
    this.#errorBytes += chunk.byteLength;
    return this.#errorBytes > MAX_ERROR_BYTES;
  }

  /** The text of an error body; empty if it is too long. */
  errorText(): string {
    return this.#errorBytes > MAX_ERROR_BYTES ? '' : new TextDecoder().decode(Buffer.concat(this.#errorChunks));
  }
}

/** A password may have a percent sign that encodes nothing. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Whether a URL's host is this machine. A connection to the unspecified address reaches it too.
 */
function isThisMachine(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === '0.0.0.0' || host === '::' || isLoopback(host);
}
