/** Requests that were accepted to run without a reader, until their results expire. */
export interface ChatRequestsTable {
  id: string;
  /** `Principal.caller`. */
  caller: string;
  /** The server that runs it, or ran it. */
  owner: string;
  /** Ascends in the order of acceptance. */
  position: number;
  /** Of what `chat_request_parts` holds. */
  format: number;
  accepted_at: number;
  model: string;
  /** JSON: the wishes of the request's headers. */
  submitter: string;
  /** The API that needs the part `api` of the request; null for the queue route. */
  api: string | null;
  /** Digests: of caller and key, and of the request. */
  idempotency_key: string | null;
  idempotency_digest: string | null;
  /** Null until it is done. */
  finished_at: number | null;
  /** Memory of the parts that are stored. */
  bytes: number;
}

/** Servers with waiting requests, so that no other server runs these as well. */
export interface ChatServersTable {
  id: string;
  host: string;
  pid: number;
  seen_at: number;
}

/** What a request consists of, in pieces of bounded size. */
export interface ChatRequestPartsTable {
  request_id: string;
  part: 'request' | 'api' | 'result';
  number: number;
  data: Uint8Array;
}
