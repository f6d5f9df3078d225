/**
 * The limit of a cached response: a bare node:http server that reads and parses the same body, and
 * returns the same bytes with the same headers. `node bench/peers/bare-http.ts <port> <file with
 * the bytes> <content type>`
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file, contentType] = process.argv.slice(2);
if (port === undefined || file === undefined || contentType === undefined)
  throw new Error('port, file and content type are needed');
const bytes = readFileSync(file);

createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    if (chunks.length > 0) JSON.parse(Buffer.concat(chunks).toString());
    outgoing.writeHead(200, { 'content-type': contentType, 'content-length': bytes.byteLength });
    outgoing.end(bytes);
  });
}).listen(Number(port), '127.0.0.1');
