import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { AppError } from '#lib/errors';
import { singleton } from '#lib/singletons';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#lib/units';

/**
 * Protection of passwords against guessing: counts attempts per account and per address, delays
 * repeated ones, and refuses them above a bound. Accounts that do not exist count in the same way,
 * so the count says nothing of who has an account.
 *
 * An address that has signed in to an account before has a count for itself, and the address's own
 * bound does not apply to the pair. So neither a stranger who guesses nor one person behind the
 * address of a school can lock the owner out.
 */

/** Wrong attempts at one account within 15 minutes. */
export const MAX_PER_ACCOUNT = 10;
/**
 * Wrong attempts of one address, at any account, within 10 minutes. A school may have one address,
 * where many people mistype their password at the same time.
 */
export const MAX_PER_ADDRESS = 300;
/** The same for attempts that name no account: sign-ups. */
export const MAX_UNNAMED_PER_ADDRESS = 100;
/**
 * Wrong links of one address within 10 minutes. Their tokens cannot be guessed: the bound keeps
 * programs from trying.
 */
export const MAX_WRONG_LINKS = 100;
/**
 * Sign-ins at the provider that one address begins within 10 minutes. Each is a row of the database
 * for as long, whether it ends or not.
 */
export const MAX_PROVIDER_SIGN_INS = 1_000;
/** An attempt at an account after this many wrong ones waits. */
const FREE_ATTEMPTS = 2;
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 3 * SECOND_MS;
/** How long an address counts as the owner's after a sign-in. */
const KNOWN_MS = 30 * DAY_MS;
/** LRU bounds. */
const MAX_COUNTS = 30_000;
const MAX_KNOWN = 20_000;

interface Refusal {
  /** The sentence, before when to try again. */
  readonly refusal: string;
  /** `data.reason`. */
  readonly reason: string;
}

interface ThrottleBounds extends Refusal {
  readonly account: Bound;
  readonly address: Bound;
  /** Of an address, for attempts that name no account. */
  readonly unnamed: number;
}

interface Bound {
  readonly most: number;
  readonly windowMs: number;
}

const OF_PASSWORDS: ThrottleBounds = {
  account: { most: MAX_PER_ACCOUNT, windowMs: 15 * MINUTE_MS },
  address: { most: MAX_PER_ADDRESS, windowMs: 10 * MINUTE_MS },
  unnamed: MAX_UNNAMED_PER_ADDRESS,
  refusal: 'Too many wrong attempts.',
  reason: 'wrong_passwords',
};

const AT_PROVIDER: Refusal = { refusal: 'Too many sign-ins from this address.', reason: 'sign_ins' };

/** Mails that strangers can have sent: no attempt at them is right, so each one counts. */
const OF_MAILS: ThrottleBounds = {
  account: { most: 3, windowMs: HOUR_MS },
  address: { most: 30, windowMs: 10 * MINUTE_MS },
  unnamed: 30,
  refusal: 'Too many links were asked for.',
  reason: 'mails',
};

interface Count {
  attempts: number;
  endsAtMs: number;
}

export interface ThrottleClock {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

export class PasswordThrottle {
  readonly #clock: ThrottleClock;
  readonly #counts = new LRUCache<string, Count>({ max: MAX_COUNTS });
  readonly #known = new LRUCache<string, number>({ max: MAX_KNOWN });

  readonly #bounds: ThrottleBounds;

  constructor(clock: ThrottleClock = { now: () => Date.now(), sleep }, bounds = OF_PASSWORDS) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /**
   * Counts an attempt as a wrong one, until `succeed`: attempts at the same time count too. Throws
   * `rate_limited` above the bounds, and otherwise waits longer after each wrong attempt.
   * `account` is undefined where the attempt names none.
   */
  async begin(address: string | undefined, account: string | undefined): Promise<void> {
    const { most, windowMs } = this.#bounds.account;
    const isKnown = this.#isKnown(address, account);
    const ofAccount = account === undefined ? undefined : this.#count(accountKey(address, account, isKnown), windowMs);
    if (ofAccount !== undefined && ofAccount.attempts >= most) throw this.#refusal(ofAccount);
    if (address !== undefined && !isKnown) this.#countAtAddress(address, account);
    if (ofAccount !== undefined) ofAccount.attempts += 1;
    const wrong = ofAccount?.attempts ?? 0;
    if (wrong > FREE_ATTEMPTS)
      await this.#clock.sleep(Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (wrong - FREE_ATTEMPTS - 1)));
  }

  /**
   * The attempt was right: takes it back, and the wrong ones at this account, also those that count
   * for the address.
   */
  succeed(address: string | undefined, account: string | undefined): void {
    if (address !== undefined) this.#takeBackAtAddress(address, account);
    if (account === undefined) return;
    this.#counts.delete(accountKey(address, account, this.#isKnown(address, account)));
    if (address !== undefined) this.#known.set(pairOf(address, account), this.#clock.now() + KNOWN_MS);
  }

  /**
   * Counts a link that does not exist or has ended. Throws `rate_limited` above the bound. A right
   * link is not counted, and never refused for the wrong ones of others behind the address.
   */
  countWrongLink(address: string | undefined): void {
    if (address === undefined) return;
    const count = this.#count(`link ${address}`, this.#bounds.address.windowMs);
    if (count.attempts >= MAX_WRONG_LINKS) throw this.#refusal(count);
    count.attempts += 1;
  }

  /** Counts a sign-in at the provider that begins. Throws `rate_limited` above the bound. */
  beginAtProvider(address: string | undefined): void {
    if (address === undefined) return;
    const count = this.#count(`provider ${address}`, this.#bounds.address.windowMs);
    if (count.attempts >= MAX_PROVIDER_SIGN_INS) throw this.#refusal(count, AT_PROVIDER);
    count.attempts += 1;
  }

  #isKnown(address: string | undefined, account: string | undefined): boolean {
    if (address === undefined || account === undefined) return false;
    return (this.#known.get(pairOf(address, account)) ?? 0) > this.#clock.now();
  }

  /** Throws `rate_limited` if the address has too many. */
  #countAtAddress(address: string, account: string | undefined): void {
    const { address: perAddress, unnamed } = this.#bounds;
    const count = this.#count(addressKey(address, account), perAddress.windowMs);
    if (count.attempts >= (account === undefined ? unnamed : perAddress.most)) throw this.#refusal(count);
    count.attempts += 1;
    if (account === undefined) return;
    const key = wrongKey(address, account);
    const { endsAtMs } = count;
    const ofPair = this.#counts.get(key);
    // Those of an ended window of the address count no more.
    if (ofPair?.endsAtMs === endsAtMs) ofPair.attempts += 1;
    else this.#counts.set(key, { attempts: 1, endsAtMs });
  }

  #takeBackAtAddress(address: string, account: string | undefined): void {
    const count = this.#counts.get(addressKey(address, account));
    if (count === undefined) return;
    if (account === undefined) {
      count.attempts = Math.max(0, count.attempts - 1);
      return;
    }
    const key = wrongKey(address, account);
    const ofPair = this.#counts.get(key);
    if (ofPair?.endsAtMs === count.endsAtMs) count.attempts -= ofPair.attempts;
    this.#counts.delete(key);
  }

  #count(key: string, windowMs: number): Count {
    const existing = this.#counts.get(key);
    if (existing !== undefined && existing.endsAtMs > this.#clock.now()) return existing;
    const count = { attempts: 0, endsAtMs: this.#clock.now() + windowMs };
    this.#counts.set(key, count);
    return count;
  }

  #refusal({ endsAtMs }: Count, { refusal, reason }: Refusal = this.#bounds): AppError {
    const seconds = Math.max(1, Math.ceil((endsAtMs - this.#clock.now()) / SECOND_MS));
    return new AppError('rate_limited', `${refusal} Try again in ${Math.ceil(seconds / 60)} min.`, {
      retryAfterSeconds: seconds,
      data: { reason, retry_after_seconds: seconds },
    });
  }
}

function accountKey(address: string | undefined, account: string, isKnown: boolean): string {
  return isKnown && address !== undefined ? `known ${pairOf(address, account)}` : `account ${digest(account)}`;
}

function addressKey(address: string, account: string | undefined): string {
  return `${account === undefined ? 'unnamed' : 'address'} ${address}`;
}

/** What an address has counted of one account. */
function wrongKey(address: string, account: string): string {
  return `wrong ${pairOf(address, account)}`;
}

function pairOf(address: string, account: string): string {
  return digest(`${address} ${account}`);
}

/** Bounds the size of keys whose text a client chose. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Counts links that anyone may have mailed, per address of the mail and per caller. */
export function mailThrottle(clock?: ThrottleClock): PasswordThrottle {
  return singleton('people.mail-throttle', () => new PasswordThrottle(clock, OF_MAILS));
}

export function passwordThrottle(): PasswordThrottle {
  return singleton('people.password-throttle', () => new PasswordThrottle());
}

/** Codes that say that a link does not exist, has ended, or is for someone else. */
const WRONG_LINK: ReadonlySet<string> = new Set(['not_found', 'forbidden', 'already_set_up']);

/**
 * What `read` finds by the token of a link. If it throws that the link is wrong, this counts for
 * the address, and is `rate_limited` above the bound.
 */
export async function readLink<Found>(address: string | undefined, read: () => Promise<Found>): Promise<Found> {
  try {
    return await read();
  } catch (error) {
    if (AppError.is(error) && WRONG_LINK.has(error.code)) passwordThrottle().countWrongLink(address);
    throw error;
  }
}
