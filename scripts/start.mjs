/** `npm start`: from a fresh clone to a server that answers. Says in a few lines what it does. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ensureModel } from './model.mjs';
import {
  ensureBuild,
  ensurePackages,
  ensureSystemTools,
  loadDotEnv,
  projectEnvironment,
  projectNode,
  ROOT,
  run,
  SERVER_ARGUMENTS,
  SetupError,
  say,
  serverEnvironment,
} from './setup.mjs';

const OLLAMA_PROBE_MS = 1000;

try {
  loadDotEnv();
  await ensurePackages();
  if ((await run(projectNode(), ['scripts/check-settings.ts'], { env: projectEnvironment() })) !== 0) process.exit(1);
  await ensureSystemTools({ bwrap: 'bubblewrap', python3: 'python3' });
  // An executor runs programs: it has no pages and asks no model.
  if (!process.env.EXECUTOR_LANGUAGE?.trim()) {
    if (await needsEmbeddedModel()) await fetchModel();
    await ensureBuild();
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}

serve();

/** The server takes over the terminal; signals reach it, and its end is ours. */
function serve() {
  const server = spawn(projectNode(), SERVER_ARGUMENTS, {
    cwd: ROOT,
    env: serverEnvironment(),
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to the whole process group: the server gets its own, a second one would end it at once.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal));
  server.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** Only where no provider is set and no Ollama answers is the small model what people will talk to. */
async function needsEmbeddedModel() {
  const { MODEL_PROVIDER: provider = 'auto', OLLAMA_API_URL, NEXT_PUBLIC_CHAT_API_URL, OPENAI_BASE_URL } = process.env;
  if (provider === 'embedded') return true;
  if ((provider !== 'auto' && provider !== '') || OLLAMA_API_URL || NEXT_PUBLIC_CHAT_API_URL || OPENAI_BASE_URL)
    return false;
  try {
    const answer = await fetch('http://127.0.0.1:11434/api/version', { signal: AbortSignal.timeout(OLLAMA_PROBE_MS) });
    return !answer.ok;
  } catch {
    return true;
  }
}

/** Without the model the pages and the code runner still serve; the server says what is missing and how to get it. */
async function fetchModel() {
  try {
    await ensureModel({ log: say, env: process.env });
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}
