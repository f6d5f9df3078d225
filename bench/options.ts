/** What follows `npm run bench --`: names of tables, and flags that shorten a run. */
import { parseArgs } from 'node:util';

export interface Options {
  names: string[];
  /** Rounds of each table, in place of its usual number. */
  rounds?: number;
  /** Length of each load, likewise. */
  seconds?: number;
  /** Only the rows whose name contains it. */
  only?: string;
  /** Of the events of `chaos`; another one each time without it. */
  seed?: number;
  /** Starts of requests a second in `chaos`. */
  perSecond?: number;
  /** Prints which table holds which goal, and measures nothing. */
  goals: boolean;
  /** Measures what an ended run of the same commit has not. */
  continue: boolean;
}

/** Throws on an unknown flag, and on a number that is not above zero. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      seed: { type: 'string' },
      'per-second': { type: 'string' },
      goals: { type: 'boolean', default: false },
      continue: { type: 'boolean', default: false },
    },
  });
  const { 'per-second': perSecond } = values;
  return {
    names: positionals,
    goals: values.goals,
    continue: values.continue,
    ...(values.rounds === undefined ? {} : { rounds: positive('rounds', values.rounds) }),
    ...(values.seconds === undefined ? {} : { seconds: positive('seconds', values.seconds) }),
    ...(values.only === undefined ? {} : { only: values.only }),
    ...(values.seed === undefined ? {} : { seed: positive('seed', values.seed) }),
    ...(perSecond === undefined ? {} : { perSecond: positive('per-second', perSecond) }),
  };
}

function positive(name: string, value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} takes a whole number above zero, not ${value}`);
  return Number(value);
}

let parsed: Options | undefined;

export function options(): Options {
  parsed ??= parseOptions(process.argv.slice(2));
  return parsed;
}

/** How many rounds a table takes that usually takes `usual`. */
export function rounds(usual: number): number {
  return options().rounds ?? usual;
}

/** How long a load lasts that usually lasts `usual` seconds. */
export function seconds(usual: number): number {
  return options().seconds ?? usual;
}

/** The rows that this run measures. Throws where `--only` leaves none. */
export function chosenRows<Row extends { name: string }>(rows: readonly Row[]): Row[] {
  const { only } = options();
  const chosen = only === undefined ? [...rows] : rows.filter(({ name }) => name.includes(only));
  if (chosen.length === 0) throw new Error(`--only=${only} leaves none of: ${rows.map(({ name }) => name).join('; ')}`);
  return chosen;
}
