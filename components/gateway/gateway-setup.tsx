import { Route } from 'lucide-react';
import { CopyButton } from '#components/ui/copy-button';
import { TextWithCode } from '#components/ui/text-with-code';
import { GATEWAY_STRINGS } from './strings.ts';

const SETTINGS = 'PRIVATE_BACKEND_URL=https://your-backend.example\nHF_TOKEN=hf_your_token';
const { setup: STRINGS } = GATEWAY_STRINGS;

/** Instructions for a server without a backend. Who cannot follow them reads whom to ask. */
export function GatewaySetup({ isForOperators }: { isForOperators: boolean }) {
  return (
    <section
      aria-label={STRINGS.region}
      className="mx-auto flex w-full max-w-[40rem] flex-col gap-4 px-1 py-6 md:px-0 md:py-14"
    >
      <Route className="size-7 text-ink-3" strokeWidth={1.5} aria-hidden />
      <div>
        <h2 className="font-semibold text-xl tracking-tight">{STRINGS.title}</h2>
        <p className="mt-2 text-ink-2 text-sm leading-relaxed">
          <TextWithCode text={isForOperators ? STRINGS.text : STRINGS.ask} />
        </p>
      </div>
      {isForOperators ? (
        <>
          <div className="flex items-start gap-2 rounded-lg border bg-surface p-3">
            <pre className="min-w-0 flex-1 whitespace-pre-wrap py-1.5 font-mono text-sm leading-relaxed [overflow-wrap:anywhere]">
              {SETTINGS}
            </pre>
            <CopyButton text={SETTINGS} label={STRINGS.copy} />
          </div>
          <p className="text-ink-2 text-sm leading-relaxed">
            <TextWithCode text={STRINGS.several} />
          </p>
        </>
      ) : null}
    </section>
  );
}
