import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail as a server has received it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: string[];
  /** User of the session, where it signed in. */
  readonly user: string | undefined;
  readonly isEncrypted: boolean;
  /** Head and body, without the soft line breaks of quoted-printable (RFC 2045). */
  readonly source: string;
}

export interface MailServer {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** The next mail that has arrived. Throws after 10 s. */
  next(): Promise<ReceivedMail>;
  close(): Promise<void>;
}

/** An SMTP server on loopback that keeps what it receives, at any free port by default. */
export async function startMailServer(options: SMTPServerOptions = {}, port = 0): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  let read = 0;
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onData: (stream, session, callback) => {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : (mailFrom?.address ?? ''),
          to: rcptTo.map(({ address }) => address),
          user: typeof session.user === 'string' ? session.user : undefined,
          isEncrypted: Boolean(session.secure),
          source: decode(Buffer.concat(pieces).toString('utf8')),
        });
        callback();
      });
    },
    ...options,
  });
  // A client that trusts no certificate closes its connection.
  server.on('error', () => {});
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  return {
    port: portOf(server.server.address()),
    mails,
    next: async () => {
      for (let attempt = 0; attempt < 400 && mails.length <= read; attempt++)
        await new Promise((resolve) => setTimeout(resolve, 25));
      const mail = mails[read];
      if (mail === undefined) throw new Error('no mail has arrived');
      read += 1;
      return mail;
    },
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** A server that accepts connections and says nothing. */
export async function startSilentServer(): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

/** A certificate of a name, signed by itself. */
export function makeCertificate(name: string): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const made = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
  return made;
}

/** The first link of a mail. */
export function linkOf({ source }: ReceivedMail): URL {
  const [link] = /https?:\/\/\S+\?token=\S+/.exec(source) ?? [];
  if (link === undefined) throw new Error(`no link in ${source}`);
  return new URL(link);
}

function decode(source: string): string {
  const soft = source.replaceAll('=\r\n', '');
  return soft.replaceAll(/(?:=[0-9A-F]{2})+/g, (codes) =>
    Buffer.from(codes.replaceAll('=', ''), 'hex').toString('utf8'),
  );
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}
