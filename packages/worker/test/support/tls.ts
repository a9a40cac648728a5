import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import { jest } from '@jest/globals';
import { pki } from 'node-forge';

/** A certificate that vouches for itself, and its key, both as PEM. */
export interface Certificate {
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

/** As `NODE_EXTRA_CA_CERTS` has it, which Node reads when it starts: every client of the process trusts the certificate. Returns what ends that. */
export function trust({ cert }: Certificate): () => void {
  const original = tls.connect;
  const trusting = (options: tls.ConnectionOptions, ...others: []): tls.TLSSocket =>
    original({ ...options, ca: [cert] }, ...others);
  const spy = jest.spyOn(tls, 'connect').mockImplementation(trusting as typeof tls.connect);
  return () => spy.mockRestore();
}

export interface TlsFront {
  readonly endpoint: string;
  /** Connections that were made so far, whether or not they were accepted by the client. */
  connections(): number;
  close(): void;
}

/** The endpoint's server, which has no TLS, behind one that has. A connection that one side breaks off is broken off on the other one. */
export async function tlsFront(endpoint: string, certificate: Certificate): Promise<TlsFront> {
  const port = Number(new URL(endpoint).port);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = tls.createServer({ ...certificate }, (near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', (hadError) => (hadError || !from.readableEnded ? to.destroy() : undefined));
      from.pipe(to);
    }
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
