import { connect } from 'node:http2';
import { once } from 'node:events';

/** One request over a connection of its own; the answer in the form of the checks with curl. */
export async function postByHttp2({ url, method = 'POST', headers, body = '' }) {
  const session = connect(url);
  session.on('error', () => undefined);
  try {
    const given = Object.entries(headers).filter(([, value]) => value !== '');
    const stream = session.request({ ':method': method, ':path': '/', ...Object.fromEntries(given) });
    stream.end(body);
    const [answered] = await once(stream, 'response', { signal: AbortSignal.timeout(30_000) });
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    const lines = Object.entries(answered).map(([name, value]) => `${name}: ${value}\n`);
    return { status: answered[':status'], version: '2', headers: lines.join('').toLowerCase(), text };
  } finally {
    session.destroy();
  }
}
