import { Route } from 'lucide-react';
import { CopyButton } from '#components/ui/copy-button';

const SETTINGS = 'PRIVATE_BACKEND_URL=https://your-backend.example\nHF_TOKEN=hf_your_token';

/** Instructions for a server without a backend. */
export function GatewaySetup() {
  return (
    <section
      aria-label="Set up the gateway"
      className="mx-auto flex w-full max-w-[40rem] flex-col gap-4 px-1 py-6 md:px-0 md:py-14"
    >
      <Route className="size-7 text-ink-3" strokeWidth={1.5} aria-hidden />
      <div>
        <h2 className="font-semibold text-xl tracking-tight">No backend is set</h2>
        <p className="mt-2 text-ink-2 text-sm leading-relaxed">
          The gateway passes every request that this app does not serve itself to a private backend, and shows it your
          token, which no caller gets to see. Put these lines into <code className="font-mono">.env</code>, with the
          address and the token of yours, and start the server again.
        </p>
      </div>
      <div className="flex items-start gap-2 rounded-lg border bg-surface p-3">
        <pre className="min-w-0 flex-1 whitespace-pre-wrap py-1.5 font-mono text-sm leading-relaxed [overflow-wrap:anywhere]">
          {SETTINGS}
        </pre>
        <CopyButton text={SETTINGS} label="Copy the settings" />
      </div>
      <p className="text-ink-2 text-sm leading-relaxed">
        Several backends, comma-separated, share the load. <code className="font-mono">HF_TOKEN</code> may be left out
        where the backend asks for none. Whatever the path,{' '}
        <code className="font-mono [overflow-wrap:anywhere]">/gateway/any/path</code> is passed on as{' '}
        <code className="font-mono [overflow-wrap:anywhere]">/any/path</code>.
      </p>
    </section>
  );
}
