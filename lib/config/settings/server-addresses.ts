import { z } from 'zod';
import { httpUrl } from '#lib/config/settings/value-schemas';

/** An address of a model server, with what its fragment sets: `http://gpu:11434#slots=4&name=a`. */
export interface ServerAddress {
  /** Without the fragment, and without slashes at the end. */
  readonly url: string;
  /** Undefined: the host with its port. */
  readonly name?: string;
  /** Requests at a time. Undefined: QUEUE_MAX_CONCURRENT. */
  readonly slots?: number;
  /** How much of the load it takes, compared with another server. */
  readonly weight: number;
}

const MAX_SLOTS = 1_000;
const MAX_WEIGHT = 100;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,62}[A-Za-z0-9])?$/;

/** Addresses of model servers, comma-separated. Each address is there once, and each name too. */
export const serverAddresses = () =>
  z.string().transform((text, context): readonly ServerAddress[] => {
    const addresses: ServerAddress[] = [];
    for (const part of text.split(',').map((word) => word.trim())) {
      if (part === '') continue;
      const parsed = parseAddress(part);
      if (typeof parsed === 'string') return fail(context, parsed);
      const place = withoutCredentials(parsed.url);
      if (addresses.some(({ url }) => withoutCredentials(url) === place))
        return fail(context, 'must list each address once');
      if (parsed.name !== undefined && addresses.some(({ name }) => name === parsed.name))
        return fail(context, `must give each server its own name, and ${parsed.name} is there twice`);
      addresses.push(parsed);
    }
    return addresses;
  });

function fail(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** Returns the rule that `text` breaks, if any. */
function parseAddress(text: string): ServerAddress | string {
  const [address = '', ...fragment] = text.split('#');
  const url = httpUrl().safeParse(address);
  if (!url.success) return url.error.issues[0]?.message ?? 'must be a URL';
  const values: { name?: string; slots?: number; weight: number } = { weight: 1 };
  const seen = new Set<string>();
  for (const pair of fragment.join('#').split('&')) {
    if (pair === '') continue;
    const [key = '', value = ''] = pair.split(/=(.*)/s);
    if (seen.has(key)) return `must set ${key} once for each address`;
    seen.add(key);
    if (key === 'slots') {
      if (!isWhole(value, MAX_SLOTS)) return `must have a whole number from 1 to ${MAX_SLOTS} after #slots=`;
      values.slots = Number(value);
    } else if (key === 'weight') {
      if (!isWhole(value, MAX_WEIGHT)) return `must have a whole number from 1 to ${MAX_WEIGHT} after #weight=`;
      values.weight = Number(value);
    } else if (key === 'name') {
      if (!NAME.test(value)) return 'must have letters, digits, dots, colons or hyphens after #name=, at most 64';
      values.name = value;
    } else return 'must have nothing but slots=, name= and weight= after the # of an address, with & between them';
  }
  return { url: url.data, ...values };
}

/** Two addresses without their credentials are those of one server, if they are equal. */
function withoutCredentials(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return `${origin}${pathname}${search}`;
}

function isWhole(text: string, max: number): boolean {
  return /^\d{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= max;
}
