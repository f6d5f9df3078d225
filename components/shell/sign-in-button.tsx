'use client';

import { Button } from '#components/ui/button';
import { signInUrl } from '#lib/browser/sign-in-url';
import { SHELL_STRINGS } from './strings.ts';

/** Opens the sign-in page, which leads back to the page that is open now. */
export function SignInButton() {
  return (
    <Button size="sm" onClick={() => window.location.assign(signInUrl(window.location))}>
      {SHELL_STRINGS.signIn}
    </Button>
  );
}
