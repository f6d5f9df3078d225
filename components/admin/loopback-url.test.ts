import { expect, it } from 'vitest';
import { isLoopbackUrl } from './loopback-url.ts';

it.each([
  ['http://localhost:3000/join?token=a', true],
  ['http://chill.localhost/join', true],
  ['http://127.0.0.1:3000/join', true],
  ['http://127.1.2.3/join', true],
  ['http://[::1]:3000/join', true],
  ['http://192.168.1.20:3000/join', false],
  ['https://chat.school.example/join', false],
  ['https://localhost.school.example/join', false],
  ['https://127.0.0.1.school.example/join', false],
])('knows whether %s leads to this computer alone: %s', (url, expected) => expect(isLoopbackUrl(url)).toBe(expected));
