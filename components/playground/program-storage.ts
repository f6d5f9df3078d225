import { LANGUAGE_INFOS } from '#lib/languages/infos';
import { SAMPLES } from '#lib/languages/samples';
import type { LanguageId } from '#lib/wire/code';
import { mainFileName } from '../code-run/main-file-name.ts';
import {
  freeName,
  type NamedProgram,
  parseProgram,
  revisionOf,
  type StoredProgram,
  serializeProgram,
  untitled,
} from './program.ts';
import { newFile, parseFiles } from './workspace.ts';

/** A save beyond these is refused. No program is ever removed to make room. */
export const MAX_PROGRAMS = 100;
/** Of all programs together. Browsers allow a site about 5,000,000. */
const MAX_CHARACTERS = 2_500_000;

const PREFIX = 'program:';
const LAST = 'program-last';

export type SaveOutcome =
  | { outcome: 'saved'; rev: string }
  /** Another tab saved the program after `base`. */
  | { outcome: 'changed'; stored: StoredProgram }
  | { outcome: 'full' | 'too-many' | 'blocked' };

export function programKey(id: string): string {
  return PREFIX + id;
}

/** The saved programs of this browser, in `localStorage`: one entry each. */
export class ProgramStorage {
  readonly #store: Storage | undefined;
  readonly #newRev: () => string;
  /** Characters of all programs. Undefined: to be counted, which reads every one of them. */
  #total: number | undefined;

  /** Without a `store` nothing can be saved. */
  constructor(store: Storage | undefined, newRev: () => string) {
    this.#store = store;
    this.#newRev = newRev;
  }

  /** Newest first. */
  list(): StoredProgram[] {
    return this.#ids()
      .flatMap((id) => this.read(id) ?? [])
      .sort((a, b) => b.editedAt - a.editedAt);
  }

  names(): string[] {
    return this.list().map(({ program }) => program.name);
  }

  read(id: string): StoredProgram | undefined {
    const text = this.#get(programKey(id));
    return text === undefined ? undefined : parseProgram(id, text);
  }

  has(id: string): boolean {
    return this.#get(programKey(id)) !== undefined;
  }

  /**
   * Saves unless another tab has saved since `base`, the revision that this tab knows. An empty
   * `base` creates the program.
   */
  save(program: NamedProgram, base: string, now: number): SaveOutcome {
    if (this.#store === undefined) return { outcome: 'blocked' };
    const key = programKey(program.id);
    const before = this.#get(key);
    if (before !== undefined && revisionOf(before) !== base) {
      const stored = parseProgram(program.id, before);
      if (stored !== undefined) return { outcome: 'changed', stored };
    }
    if (before === undefined && this.#ids().length >= MAX_PROGRAMS) return { outcome: 'too-many' };
    const rev = this.#newRev();
    const text = serializeProgram({ program, rev, editedAt: now });
    if (text.length > (before?.length ?? 0) && this.#isBeyond(text.length - (before?.length ?? 0)))
      return { outcome: 'full' };
    if (!this.#set(key, text)) return { outcome: 'full' };
    if (this.#total !== undefined) this.#total += text.length - (before?.length ?? 0);
    return { outcome: 'saved', rev };
  }

  remove(id: string): void {
    this.#store?.removeItem(programKey(id));
    this.countAgain();
  }

  /** Another tab may have saved or removed a program. */
  countAgain(): void {
    this.#total = undefined;
  }

  /** The program that any tab last opened or edited. */
  last(): StoredProgram | undefined {
    const id = this.#get(LAST);
    return (id === undefined ? undefined : this.read(id)) ?? this.list()[0];
  }

  setLast(id: string): void {
    if (this.#get(LAST) !== id) this.#set(LAST, id);
  }

  /**
   * Takes over the one program per language that earlier versions stored. The id follows from the
   * text: two tabs that do this at once create the same programs. Samples as they are need no copy.
   */
  takeOverOld(now: number, hash: (text: string) => string): void {
    const chosen = this.#get('playground:language') ?? 'python';
    let last: string | undefined;
    for (const { id: language } of LANGUAGE_INFOS) {
      const keys = [`playground:${language}`, `playground:${language}:files`] as const;
      const [code, files] = keys.map((key) => this.#get(key) ?? '');
      if (code === undefined || files === undefined || code + files === '') continue;
      const program = this.#oldProgram(language, code, files, hash);
      if (program !== undefined) {
        if (!this.has(program.id) && this.save(program, '', now).outcome !== 'saved') continue;
        if (language === chosen) last = program.id;
      }
      for (const key of keys) this.#store?.removeItem(key);
    }
    if (last !== undefined) this.setLast(last);
  }

  #oldProgram(
    language: LanguageId,
    code: string,
    files: string,
    hash: (text: string) => string,
  ): NamedProgram | undefined {
    const others = parseFiles(files);
    if (others.length === 0 && (code === '' || SAMPLES[language].some((sample) => sample.code === code)))
      return undefined;
    return {
      id: `${language}-${hash(code + files)}`,
      name: freeName(untitled(language), this.names()),
      example: undefined,
      language,
      files: [newFile(mainFileName(language), code === '' ? SAMPLES[language][0].code : code), ...others],
      stdin: '',
      args: '',
      timeout: undefined,
    };
  }

  #isBeyond(growth: number): boolean {
    this.#total ??= this.#ids().reduce((sum, id) => sum + (this.#get(programKey(id))?.length ?? 0), 0);
    return this.#total + growth > MAX_CHARACTERS;
  }

  #ids(): string[] {
    const store = this.#store;
    if (store === undefined) return [];
    return Array.from({ length: store.length }, (_, index) => store.key(index) ?? '')
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => key.slice(PREFIX.length));
  }

  #get(key: string): string | undefined {
    return this.#store?.getItem(key) ?? undefined;
  }

  /** False if the browser's storage is full. */
  #set(key: string, text: string): boolean {
    try {
      this.#store?.setItem(key, text);
      return true;
    } catch {
      return false;
    }
  }
}
