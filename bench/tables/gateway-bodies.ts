import * as gateway from '../gateway-load.ts';
import type { Benchmark, Table, Verdict } from '../harness.ts';
import { chosenRows, rounds, seconds } from '../options.ts';
import { HUGE_BYTES, LARGE_BYTES, NGINX, SMALL_BYTES } from '../peers/http-proxies.ts';

const ROUNDS = 5;
const SECONDS = 1;
const MAX_ADDED_MS = 0.1;
const MIN_OF_BEST_NODE = 1.4;
const MIN_OF_OWN_GET = 0.85;
const MIN_OF_NGINX = 0.7;

/** Takes its turn with the others, and is what our own POST is held against. */
const GET: gateway.Exchange = { name: 'GET of 1 KB', path: '/some/path', connections: 50 };
const OWN_GET = `${gateway.OURS}, GET instead`;

interface Row extends gateway.Exchange {
  /** Each ratio's least, where there is one. */
  ofOwnGet?: number;
  ofNginx?: number;
  maxAddedMs?: number;
}

const ROWS: Row[] = [
  {
    name: 'POST of 1 KB',
    path: '/some/path',
    body: { bytes: SMALL_BYTES },
    connections: 50,
    ofOwnGet: MIN_OF_OWN_GET,
    maxAddedMs: MAX_ADDED_MS,
  },
  { name: '100 KB up', path: '/read/small', body: { bytes: LARGE_BYTES }, connections: 50, ofNginx: MIN_OF_NGINX },
  { name: '100 KB down', path: '/files/large', connections: 50, ofNginx: MIN_OF_NGINX },
  { name: '10 MB both ways', path: '/read/huge', body: { bytes: HUGE_BYTES }, connections: 4 },
];

/** Bodies through the gateway, small and large, both ways, against other proxies. */
export const gatewayBodies: Benchmark = { name: 'gateway-bodies', run };

async function run(): Promise<Table> {
  const { contenders, skipped } = await gateway.startContenders();
  const length = { rounds: ROUNDS, seconds: SECONDS };
  const rows: string[][] = [];
  const verdicts: Verdict[] = [];
  for (const row of chosenRows(ROWS)) {
    const own = contenders.find(({ name }) => name === gateway.OURS);
    const ownGet = own === undefined ? [] : [{ ...own, name: OWN_GET, isNode: false, exchange: GET }];
    const turns = row.ofOwnGet === undefined ? contenders : [...contenders, ...ownGet];
    const results = await gateway.exchangeInTurn(turns, row, length);
    rows.push(...results.map((one) => [`${row.name}, ${one.name}`, ...gateway.cells(results, one)]));
    verdicts.push(...verdictsOf(row, results));
  }
  for (const { server } of contenders.toReversed()) await server.stop();
  return {
    title: 'Gateway: bodies both ways',
    method: `POST of ${SMALL_BYTES} bytes, ${LARGE_BYTES / 1000} KB up, ${LARGE_BYTES / 1000} KB down, and ${HUGE_BYTES / 1e6} MB both ways, to a static nginx that reads each body, straight and through each proxy; ${rounds(ROUNDS)} rounds taken in turn, each beginning with another, after one to warm up, wrk with one thread: ${seconds(SECONDS)} s at 50 connections (4 for ${HUGE_BYTES / 1e6} MB), as long at one. CPU: of all processes of the server, per request.`,
    columns: ['', ...gateway.COLUMNS],
    rows,
    verdicts,
    skipped,
  };
}

function verdictsOf(row: Row, results: readonly gateway.Result[]): Verdict[] {
  const ours = gateway.byName(results, gateway.OURS);
  const nginx = gateway.byName(results, NGINX);
  const best = gateway.bestNodePeer(results);
  const get = results.find(({ name }) => name === OWN_GET);
  const against = (what: string, other: gateway.Result, least: number) =>
    gateway.holdsAgainst(`${row.name}: ${what}`, ours, other, least);
  const added = gateway.addedMs(results, ours);
  return [
    ...(best === undefined ? [] : [against(`the best Node proxy, ${best.name}`, best, MIN_OF_BEST_NODE)]),
    ...(row.ofOwnGet === undefined || get === undefined ? [] : [against('our own GET', get, row.ofOwnGet)]),
    ...(row.ofNginx === undefined ? [] : [against('nginx', nginx, row.ofNginx)]),
    ...(row.maxAddedMs === undefined
      ? []
      : [
          {
            goal: `${row.name}: p50 added ≤ ${row.maxAddedMs} ms at one connection`,
            result: `${added.toFixed(2)} ms`,
            met: added <= row.maxAddedMs,
          },
        ]),
  ];
}
