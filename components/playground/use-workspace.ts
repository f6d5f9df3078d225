import { useCallback, useEffect, useRef, useState } from 'react';
import { PROGRAM_COOKIE, setCookie } from '#lib/browser/cookies';
import { readStored, writeStored } from '#lib/browser/local-storage';
import { findLanguageInfo } from '#lib/languages/infos';
import type { SampleProgram } from '#lib/languages/language-info';
import type { LanguageId } from '#lib/wire/code';
import { mainFileName } from '../code-run/main-file-name.ts';
import { fromFragment, toFragment } from '../code-run/program-link.ts';
import { storedCode } from './language-options.ts';
import {
  FIRST_WORKSPACE,
  fromShared,
  newFile,
  parseFiles,
  serializeFiles,
  toShared,
  type Workspace,
  type WorkspaceFile,
} from './workspace.ts';

export interface WorkspaceState {
  /** Undefined until the link and the storage have been read. */
  workspace: Workspace | undefined;
  current: WorkspaceFile | undefined;
  /** The latest state, also between two renders. */
  now: () => Workspace | undefined;
  change: (id: number, text: string) => void;
  show: (id: number) => void;
  addFile: (name: string) => void;
  renameFile: (id: number, name: string) => void;
  deleteFile: (id: number) => void;
  chooseLanguage: (language: LanguageId) => void;
  openSample: (sample: SampleProgram) => void;
  set: (part: Partial<Pick<Workspace, 'stdin' | 'args'>>) => void;
  /** The page's URL with the whole program in its fragment, which is never sent to a server. */
  link: () => Promise<string>;
}

const LANGUAGE = 'playground:language';
const codeKey = (language: LanguageId) => `playground:${language}`;
const filesKey = (language: LanguageId) => `playground:${language}:files`;

/**
 * The program of the playground: from a link, or the one last edited in this browser. For a new
 * browser (`isNew`) the first sample is server-rendered.
 */
export function useWorkspace(isNew: boolean): WorkspaceState {
  const first = isNew ? FIRST_WORKSPACE : undefined;
  const [workspace, setWorkspace] = useState(first);
  const [currentId, setCurrentId] = useState(0);
  const latest = useRef(first);

  const put = useCallback((next: Workspace) => {
    latest.current = next;
    setWorkspace(next);
  }, []);
  const keep = useCallback(
    (next: Workspace) => {
      const [main, ...others] = next.files;
      writeStored(codeKey(next.language), main.content);
      writeStored(filesKey(next.language), serializeFiles(others));
      setCookie(PROGRAM_COOKIE, 'own');
      put(next);
    },
    [put],
  );
  const begin = useCallback(
    (next: Workspace) => {
      put(next);
      setCurrentId(next.files[0].id);
    },
    [put],
  );

  useEffect(() => {
    const read = async (isFirst: boolean) => {
      const shared = await fromFragment(window.location.hash);
      const language = findLanguageInfo(shared?.language ?? readStored(LANGUAGE))?.id ?? 'python';
      if (shared !== undefined) begin(fromShared(shared, language));
      // The first sample may have been edited meanwhile.
      else if (!isFirst || latest.current === undefined || (latest.current === FIRST_WORKSPACE && keepsAny(language)))
        begin(saved(language));
      if (shared === undefined) delete document.documentElement.dataset.linked;
    };
    void read(true);
    // A link that is opened in the same tab changes the fragment only.
    const onHash = () => void read(false);
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, [begin]);

  // The program of the link is rendered now.
  useEffect(() => {
    if (workspace !== FIRST_WORKSPACE) delete document.documentElement.dataset.linked;
  }, [workspace]);

  const edit = useCallback(
    (change: (before: Workspace) => Workspace) => {
      if (latest.current !== undefined) keep(change(latest.current));
    },
    [keep],
  );

  const files = workspace?.files;
  return {
    workspace,
    current: files?.find(({ id }) => id === currentId) ?? files?.[0],
    now: () => latest.current,
    change: (id, text) => edit((before) => withFile(before, id, (file) => ({ ...file, content: text }))),
    show: setCurrentId,
    addFile: (name) => {
      const file = newFile(name, '');
      edit((before) => ({ ...before, files: [before.files[0], ...before.files.slice(1), file] }));
      setCurrentId(file.id);
    },
    renameFile: (id, name) => {
      // A new id: the editor chooses the language by the name when it opens a file.
      const renamed = newFile(name, files?.find((file) => file.id === id)?.content ?? '');
      edit((before) => withFile(before, id, () => renamed));
      setCurrentId(renamed.id);
    },
    deleteFile: (id) => {
      edit(({ files: [main, ...others], ...before }) => ({
        ...before,
        files: [main, ...others.filter((file) => file.id !== id)],
      }));
      setCurrentId(latest.current?.files[0].id ?? 0);
    },
    chooseLanguage: (language) => {
      writeStored(LANGUAGE, language);
      setCookie(PROGRAM_COOKIE, 'own');
      begin({ ...saved(language), stdin: latest.current?.stdin ?? '', args: latest.current?.args ?? '' });
    },
    openSample: ({ code, stdin }) => {
      const before = latest.current;
      if (before === undefined) return;
      const next: Workspace = {
        ...before,
        files: [newFile(mainFileName(before.language), code)],
        stdin: stdin ?? '',
      };
      keep(next);
      begin(next);
    },
    set: (part) => {
      if (latest.current !== undefined) put({ ...latest.current, ...part });
    },
    link: async () => {
      const url = new URL(window.location.href);
      if (latest.current !== undefined) url.hash = await toFragment(toShared(latest.current));
      window.history.replaceState(null, '', url);
      return url.href;
    },
  };
}

function saved(language: LanguageId): Workspace {
  const main = newFile(mainFileName(language), storedCode(language));
  return { language, files: [main, ...parseFiles(readStored(filesKey(language)))], stdin: '', args: '' };
}

function keepsAny(language: LanguageId): boolean {
  return language !== FIRST_WORKSPACE.language || [codeKey, filesKey].some((key) => readStored(key(language)) !== '');
}

function withFile(
  { files: [main, ...others], ...before }: Workspace,
  id: number,
  change: (file: WorkspaceFile) => WorkspaceFile,
): Workspace {
  const changed = (file: WorkspaceFile) => (file.id === id ? change(file) : file);
  return { ...before, files: [changed(main), ...others.map(changed)] };
}
