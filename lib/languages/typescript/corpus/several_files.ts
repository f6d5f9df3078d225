import { createInterface } from 'node:readline';
import type { Shape } from './shapes.ts';
import { area } from './shapes.ts';

const shape: Shape = { kind: 'square', side: 3 };
for await (const line of createInterface({ input: process.stdin })) console.log(area(shape) + Number(line));
