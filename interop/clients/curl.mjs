import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withEmulator } from '../support/emulator.mjs';
import { postByHttp2 } from '../support/http2-client.mjs';
import { lastWords, runTool } from '../support/tool.mjs';

const timeoutMs = 60_000;
const json = 'application/x-amz-json-1.1';
const megabyte = 1024 * 1024;

/** The protocol by hand: what a client in any language may send, and what it must get. */
export async function curlChecks(section) {
  const version = await runTool('curl', ['--version'], { timeoutMs });
  if (version.outcome === 'missing') return section.skipped('everything', 'curl is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'millrace-curl-'));
  try {
    await withEmulator(async ({ aws }) => {
      aws.kinesis.addStream('flights', 1);
      const curl = (versionArgs) => (request) => post(versionArgs, folder, request);
      await checkProtocol(section, 'HTTP/1.1', aws, curl(['--http1.1']));
      await checkContinue(section, aws, curl(['--http1.1']));
      if (/\bHTTP2\b/.test(version.stdout)) {
        await checkProtocol(section, 'HTTP/2', aws, curl(['--http2-prior-knowledge']));
        await checkUpgrade(section, aws, curl(['--http2']));
      } else {
        section.skipped('HTTP/2', 'this build of curl has none; the http2 module of Node.js stands in for it');
        await checkProtocol(section, 'HTTP/2 of Node.js', aws, postByHttp2);
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `headers` with an empty value are left out, also those that curl would add. */
async function post(versionArgs, folder, { url, method = 'POST', headers, body }) {
  const headerFile = join(folder, 'headers');
  const args = [
    ...['--silent', '--show-error', '--max-time', '30', '--noproxy', '*', '--dump-header', headerFile],
    ...['--request', method, '--write-out', '\n%{http_code} %{http_version}', ...versionArgs],
    ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}:${value === '' ? '' : ` ${value}`}`]),
    ...(body === undefined ? [] : ['--data-binary', '@-']),
    url,
  ];
  const result = await runTool('curl', args, { timeoutMs, input: body });
  if (result.code !== 0) throw new Error(`curl: ${lastWords(result)}`);
  const [, text, status, version] = /^([^]*)\n(\d+) (\S+)$/.exec(result.stdout) ?? [];
  return { status: Number(status), version, headers: readFileSync(headerFile, 'utf8').toLowerCase(), text };
}

const kinesisCall = (aws, operation, body, headers = {}) => ({
  url: `${aws.kinesisEndpoint}/`,
  headers: { 'X-Amz-Target': `Kinesis_20131202.${operation}`, 'Content-Type': json, ...headers },
  body,
});

async function check(section, name, run) {
  try {
    await run();
    section.ok(name);
  } catch (error) {
    section.failed(name, error.message.replaceAll('\n', ' '));
  }
}

function assertError({ status, headers, text }, expectedStatus, type) {
  assert.equal(status, expectedStatus);
  const { __type, message } = JSON.parse(text);
  assert.equal(__type, type);
  assert.equal(typeof message, 'string');
  assert.match(headers, /x-amzn-requestid: \S+/);
}

async function checkProtocol(section, version, aws, send) {
  const on = (name, run) => check(section, `${version}, ${name}`, run);
  const assertListed = ({ status, text }) => {
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text).StreamNames, ['flights']);
  };
  await on('ListStreams', async () => {
    const answer = await send(kinesisCall(aws, 'ListStreams', '{}'));
    assertListed(answer);
    assert.equal(answer.version, version.startsWith('HTTP/2') ? '2' : '1.1');
    assert.match(answer.headers, /content-type: application\/x-amz-json-1\.1\r?\n/);
    assert.match(answer.headers, /x-amzn-requestid: \S+/);
  });
  await on('an error has a __type, a message and the status 400', async () =>
    assertError(
      await send(kinesisCall(aws, 'DescribeStreamSummary', '{"StreamName":"none"}')),
      400,
      'ResourceNotFoundException',
    ),
  );
  await on('an unknown operation', async () =>
    assertError(await send(kinesisCall(aws, 'GetNothing', '{}')), 400, 'UnknownOperationException'),
  );
  await on('malformed JSON', async () =>
    assertError(await send(kinesisCall(aws, 'ListStreams', '{"Limit":')), 400, 'SerializationException'),
  );
  await on('no content type', async () =>
    assertListed(await send(kinesisCall(aws, 'ListStreams', '{}', { 'Content-Type': '' }))),
  );
  await on('a content type with a charset', async () =>
    assertListed(await send(kinesisCall(aws, 'ListStreams', '{}', { 'Content-Type': `${json}; charset=utf-8` }))),
  );
  await on('a nonsense signature and unknown headers', async () =>
    assertListed(
      await send(kinesisCall(aws, 'ListStreams', '{}', { Authorization: 'nonsense', 'X-Nobody-Knows': '\u00e4, ;' })),
    ),
  );
  await on('OPTIONS, which lets no page of another origin in', async () => {
    const headers = { Origin: 'null', 'Access-Control-Request-Method': 'POST' };
    const answer = await send({ url: aws.kinesisEndpoint, method: 'OPTIONS', headers });
    assertError(answer, 400, 'UnknownOperationException');
    assert.doesNotMatch(answer.headers, /access-control/);
  });
  await on('a body of 20 MB', async () =>
    assertError(
      await send(kinesisCall(aws, 'PutRecords', 'x'.repeat(20 * megabyte))),
      413,
      'RequestEntityTooLargeException',
    ),
  );
  await on('DynamoDB takes any signature, but wants one', async () => {
    const call = (headers) => ({
      url: aws.dynamodbEndpoint,
      headers: {
        'X-Amz-Target': 'DynamoDB_20120810.ListTables',
        'Content-Type': 'application/x-amz-json-1.0',
        ...headers,
      },
      body: '{}',
    });
    const { status, text } = await send(call({ Authorization: 'AWS4-HMAC-SHA256 Credential=x/1/y/z/aws4_request' }));
    assert.deepEqual({ status, text }, { status: 200, text: '{"TableNames":[]}' });
    const refused = await send(call({}));
    assert.equal(refused.status, 400);
    assert.match(JSON.parse(refused.text).__type, /#MissingAuthenticationTokenException$/);
  });
}

async function checkContinue(section, aws, send) {
  await check(section, 'HTTP/1.1, a PutRecords of 5 MB that waits for 100 Continue', async () => {
    const record = { Data: Buffer.alloc(12_000, 'x').toString('base64'), PartitionKey: 'LH 400' };
    const body = JSON.stringify({ StreamName: 'flights', Records: Array.from({ length: 330 }, () => record) });
    assert.ok(body.length > 5_000_000);
    const answer = await send(kinesisCall(aws, 'PutRecords', body, { Expect: '100-continue' }));
    assert.match(answer.headers, /^http\/1\.1 100 continue\r\n/);
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.text).FailedRecordCount, 0);
  });
  await check(section, 'HTTP/1.1, a body in chunks', async () => {
    const answer = await send(kinesisCall(aws, 'ListStreams', '{}', { 'Transfer-Encoding': 'chunked' }));
    assert.equal(answer.status, 200);
  });
}

/** Asks for HTTP/2 from within HTTP/1.1. A server may leave it at that, as this one does, but must answer. */
async function checkUpgrade(section, aws, send) {
  await check(section, 'HTTP/1.1 with an offer to upgrade to HTTP/2', async () => {
    const { status } = await send(kinesisCall(aws, 'ListStreams', '{}'));
    assert.equal(status, 200);
  });
}
