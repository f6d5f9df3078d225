import { hash } from 'node:crypto';
import type { Principal } from '#lib/http/principal';

/** Bounds the memoized members. */
const MAX_CALLERS = 1024;
const HASH_CHARS = 8;

interface Members {
  readonly userId: string | undefined;
  readonly keyId: string | undefined;
  readonly text: string;
}

const memo = new Map<string, Members>();

/**
 * Access-log members about the caller of a request: the start of the SHA-256 of its name, and the
 * ids of its account and of its key. Neither an address nor a key is logged.
 */
export function callerLogFields(caller: string, principal: Principal | undefined): string {
  const known = memo.get(caller);
  if (known !== undefined && known.userId === principal?.userId && known.keyId === principal?.keyId) return known.text;
  const digest = hash('sha256', caller, 'hex').slice(0, HASH_CHARS);
  const { userId, keyId } = principal ?? {};
  const text = `,"caller":"${digest}"${member('user', userId)}${member('key', keyId)}`;
  if (memo.size >= MAX_CALLERS) memo.clear();
  memo.set(caller, { userId, keyId, text });
  return text;
}

function member(name: string, id: string | undefined): string {
  return id === undefined ? '' : `,"${name}":${JSON.stringify(id)}`;
}
