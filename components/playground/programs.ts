import { PROGRAM_COOKIE, setCookie, shortHash } from '#lib/browser/cookies';
import { showToast, type Toast } from '#lib/browser/toasts';
import { fromFragment, isProgramFragment } from '../code-run/program-link.ts';
import { follow } from '../code-run/use-code-run.ts';
import { nameFromCode } from './name-from-code.ts';
import { ProgramRuns } from './program-runs.ts';
import { MAX_PROGRAMS, ProgramStorage } from './program-storage.ts';
import { type Notice, ProgramStore } from './program-store.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import type { SaveProblem } from './tab.ts';

interface Programs {
  storage: ProgramStorage;
  store: ProgramStore;
  runs: ProgramRuns;
  /** Whether the program of the page's link is being read, with which the page was opened. */
  isStarting: () => boolean;
  /** Opens the program of the address, if it has one. */
  readLink: () => Promise<void>;
}

let held: Programs | undefined;

/** The programs of this browser. Only for the browser; they stay when the page is left. */
export function programs(): Programs {
  held ??= create();
  return held;
}

/** Unique in this browser. `crypto.randomUUID` is missing over plain http. */
export function newProgramId(): string {
  const [first = 0, second = 0] = crypto.getRandomValues(new Uint32Array(2));
  return first.toString(36) + second.toString(36);
}

/** Lets the server leave the first sample out of the next page. */
export function markOwn(): void {
  setCookie(PROGRAM_COOKIE, 'own');
}

function create(): Programs {
  const local = storageOf(() => localStorage);
  const session = storageOf(() => sessionStorage);
  const storage = new ProgramStorage(local, newProgramId);
  storage.takeOverOld(Date.now(), shortHash);
  const runs = new ProgramRuns({ local, session, isSaved: (id) => storage.has(id), follow, now: Date.now });
  const store = new ProgramStore({
    ...{ storage, session, newId: newProgramId, now: Date.now, notify: (notice) => showToast(toastOf(notice)) },
    onFirstSave(id) {
      runs.keepSaved(id);
      markOwn();
    },
    onMove: (from, to) => runs.move(from, to),
    makeRoom: () => runs.dropStored(),
  });
  let isStarting = isProgramFragment(location.hash);
  let reading = 0;
  const forgetLink = () => {
    if (reading === 0 && !isStarting && !store.tab().isLink && isProgramFragment(location.hash))
      window.history.replaceState(null, '', location.pathname + location.search);
  };
  const ask = (event: BeforeUnloadEvent) => {
    event.preventDefault();
    runs.expectLeave();
  };
  const askIfLost = () => {
    if (runs.isAnyRunning() || store.tab().problem !== undefined) addEventListener('beforeunload', ask);
    else removeEventListener('beforeunload', ask);
  };
  store.subscribe(forgetLink);
  store.subscribe(askIfLost);
  runs.subscribe(askIfLost);
  const leave = () => {
    store.flush();
    runs.keepRunning();
  };
  addEventListener('pagehide', leave);
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) store.sync();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) leave();
    else store.sync();
  });
  addEventListener('storage', ({ key, storageArea }) => {
    if (storageArea === local) store.onStored(key);
  });
  return {
    storage,
    store,
    runs,
    isStarting: () => isStarting,
    async readLink() {
      const { hash } = location;
      if (!isProgramFragment(hash)) return;
      reading += 1;
      const shared = await fromFragment(hash);
      reading -= 1;
      isStarting = false;
      if (shared === undefined) showToast({ text: S.brokenLink, kind: 'error' });
      else {
        // A chat's code has no name.
        const name = shared.name ?? nameFromCode(shared.code);
        store.openShared(name === undefined ? shared : { ...shared, name });
      }
      store.sync();
    },
  };
}

/** Undefined where the browser forbids storage. */
function storageOf(find: () => Storage): Storage | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

const PROBLEMS: Record<SaveProblem, string> = {
  full: S.storageFull,
  'too-many': S.tooMany(MAX_PROGRAMS),
  blocked: S.storageBlocked,
};

function toastOf(notice: Notice): Toast {
  switch (notice.type) {
    case 'changed-elsewhere':
      return {
        text: S.changedElsewhere(notice.name, notice.copy),
        action: { label: S.openOther, run: () => void programs().store.open(notice.id) },
        timeoutMs: 0,
        id: 'program-changed',
      };
    case 'deleted-elsewhere':
      return { text: S.deletedElsewhere(notice.name) };
    case 'problem':
      return { text: PROBLEMS[notice.problem], kind: 'error', timeoutMs: 12_000, id: 'program-problem' };
    case 'not-renamed':
      return { text: S.notRenamed(notice.name), kind: 'error', timeoutMs: 12_000 };
    case 'left-unsaved':
      return {
        text: S.leftUnsaved(notice.tab.program.name),
        kind: 'error',
        action: { label: S.goBack, run: () => programs().store.restore(notice.tab) },
        timeoutMs: 0,
      };
  }
}
