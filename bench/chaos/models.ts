/** Two or more model servers that say what a question asks for, and are ended and started again. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  type FaultyModelServer,
  ollama,
  type Script,
  startFaultyModelServer,
} from '../../test/support/faulty-model-server.ts';
import type { Call } from './causes.ts';
import { wordOf } from './outcomes.ts';

/** What a question asks for. */
export interface Question {
  mark: string;
  words: number;
  paceMs: number;
}

export const questionText = ({ mark, words, paceMs }: Question) => `${mark}: ${words} words, one each ${paceMs} ms.`;

const chatSchema = z.object({ messages: z.array(z.object({ content: z.string() })) });

/** Undefined for a text that is no question of this load. */
export function parseQuestion(text: string): Question | undefined {
  const [, mark, words, paceMs] = /^(q\d+): (\d+) words, one each (\d+) ms\.$/.exec(text) ?? [];
  return mark === undefined ? undefined : { mark, words: Number(words), paceMs: Number(paceMs) };
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

export class ChaosModels {
  /** By the mark of the question, in the order in which they began. */
  readonly calls = new Map<string, Mutable<Call>[]>();
  readonly urls: readonly string[];
  readonly #servers: FaultyModelServer[];

  private constructor(servers: FaultyModelServer[]) {
    this.#servers = servers;
    this.urls = servers.map(({ url }) => url);
    for (const [index, server] of servers.entries()) this.#serve(server, index);
  }

  static async start(count: number): Promise<ChaosModels> {
    return new ChaosModels(await Promise.all(Array.from({ length: count }, () => startFaultyModelServer())));
  }

  /** Ends one with all its connections. */
  async stop(index: number): Promise<void> {
    await this.#servers[index]?.close();
  }

  /** Starts it again at its address. */
  async restart(index: number): Promise<void> {
    const server = await startFaultyModelServer(Number(new URL(this.urls[index] ?? '').port));
    this.#servers[index] = server;
    this.#serve(server, index);
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  #serve(server: FaultyModelServer, index: number): void {
    server.choose((body) => {
      // Not kept: there are as many as requests.
      const seen = server.requests.pop();
      const question = parseQuestion(chatSchema.safeParse(body).data?.messages.at(-1)?.content ?? '');
      if (question === undefined || seen === undefined) return [{ status: 400 }];
      const call: Mutable<Call> = { server: index, startedMs: performance.now(), endedMs: undefined, isWhole: false };
      const calls = this.calls.get(question.mark) ?? [];
      this.calls.set(question.mark, [...calls, call]);
      void seen.over.then((isWhole) => Object.assign(call, { endedMs: performance.now(), isWhole }));
      return scriptOf(question);
    });
  }
}

function scriptOf({ mark, words, paceMs }: Question): Script {
  return [
    ...Array.from({ length: words }, (_, index) => [
      { wait: delay(paceMs * (index + 1), undefined, { ref: false }) },
      { send: ollama.text(wordOf(mark, index + 1)) },
    ]).flat(),
    { send: ollama.done() },
  ];
}
