import { createOTP } from '@better-auth/utils/otp';
import { type Browser, PASSWORD } from './accounts-server.ts';

/** Turns the second factor on. Returns the recovery codes, and how to make a code for now. */
export async function turnOnSecondFactor(browser: Browser) {
  const enabled = await browser.post('/api/auth/two-factor/enable', { password: PASSWORD });
  const uri = new URL(enabled.textAt('totpURI'));
  const secret = fromBase32(uri.searchParams.get('secret') ?? '');
  const now = () => createOTP(secret, { digits: 6, period: 30 }).totp();
  const turnedOn = await browser.post('/api/auth/two-factor/verify-totp', { code: await now() });
  if (turnedOn.status !== 200) throw new Error(`the second factor is not on: ${turnedOn.status} ${turnedOn.text}`);
  return { enabled, now };
}

/** RFC 4648, as authenticator apps read it. */
function fromBase32(text: string): string {
  const bits = [...text.replace(/=+$/, '')].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  return (bits.join('').match(/.{8}/g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 2))).join('');
}
