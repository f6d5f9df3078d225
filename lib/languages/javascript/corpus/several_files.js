import { readFileSync } from 'node:fs';
import { area } from './geometry/plane.mjs';
import shapes from './shapes.json' with { type: 'json' };

console.log(area(shapes.square), readFileSync('data/numbers.txt', 'utf8').trim(), process.argv.slice(2));
