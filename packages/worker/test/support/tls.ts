import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import { jest } from '@jest/globals';
import { pki } from 'node-forge';

/** A certificate that vouches for itself, and its key, both as PEM. */
interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Valid for an hour before and after, for that IP address. */
export function selfSigned(ip = '127.0.0.1'): Certificate {
  const { publicKey, privateKey: key } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(publicKey);
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  const name = [{ name: 'commonName', value: 'a test of Millrace' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 7, ip }] }]);
  certificate.sign(pki.privateKeyFromPem(key));
  return { key, cert: pki.certificateToPem(certificate) };
}

const trusted = new Set<string>();

/**
 * All clients of the process trust this certificate, and others so given, in place of those that Node.js comes with. `NODE_EXTRA_CA_CERTS` does
 * the like, but is read when Node.js starts. Returns what ends it.
 */
export function trust({ cert }: Certificate): () => void {
  if (trusted.size === 0) {
    const original = tls.connect;
    const trusting = (options: tls.ConnectionOptions): tls.TLSSocket => original({ ...options, ca: [...trusted] });
    jest.spyOn(tls, 'connect').mockImplementation(trusting as typeof tls.connect);
  }
  trusted.add(cert);
  return () => {
    trusted.delete(cert);
    if (trusted.size === 0) jest.mocked(tls.connect).mockRestore();
  };
}

/** A connection that a client has made, whether or not it goes on after the handshake. */
interface Accepted {
  /** That the client has sent, decrypted. */
  receivedBytes: number;
  isClosed: boolean;
}

interface TlsFront {
  readonly endpoint: string;
  readonly accepted: readonly Accepted[];
}

/**
 * The endpoint's server, which has no TLS, behind one that has. What is broken off on one side is broken off on the other: a reset is a
 * reset. Where the server ends its side the client gets the notice of TLS for it, unless that is left out.
 *
 * @param open gets what closes it
 */
export async function tlsFront(
  endpoint: string,
  certificate: Certificate,
  open: (() => unknown)[],
  { endsWithNotice = true }: { readonly endsWithNotice?: boolean } = {},
): Promise<TlsFront> {
  const farPort = Number(new URL(endpoint).port);
  const sockets = new Set<Socket>();
  const accepted: Accepted[] = [];
  const server = createServer((raw) => {
    const connection: Accepted = { receivedBytes: 0, isClosed: false };
    accepted.push(connection);
    const near = new tls.TLSSocket(raw, { isServer: true, ...certificate });
    const far = connect(farPort, '127.0.0.1');
    for (const socket of [raw, near, far]) sockets.add(socket);
    near.on('data', ({ length }: Buffer) => (connection.receivedBytes += length));
    near.pipe(far);
    far.pipe(near, { end: false });
    far.on('end', () => (endsWithNotice ? near : raw).end());
    far.on('error', () => raw.resetAndDestroy());
    raw.on('error', () => undefined);
    near.on('error', () => far.destroy());
    near.on('close', () => {
      connection.isClosed = true;
      far.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted };
}
