import { describe, expect, it } from '@jest/globals';
import { parseAuthorization, signatureOf } from '../../src/service/signature-v4';
import type { ServiceRequest } from '../../src/service/service';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

/** A request as it is written down in the test suite that AWS publishes: a line, headers, an empty line, the body. */
function requestOf(text: string): ServiceRequest {
  const [head = '', body = ''] = text.split('\n\n', 2);
  const [line = '', ...headerLines] = head.split('\n');
  const [method = '', path = ''] = line.split(' ');
  const headers = headerLines.map((header): [string, string] => {
    const at = header.indexOf(':');
    return [header.slice(0, at).toLowerCase(), header.slice(at + 1)];
  });
  return { method, path, headers: Object.fromEntries(headers), body: Buffer.from(body) };
}

function signed(lines: string[], signedHeaders: string, signature: string, body = ''): string {
  const [line = '', ...headers] = lines;
  const credential = 'Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
  const authorization = `Authorization:AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  const host = 'Host:example.amazonaws.com';
  return [line, host, ...headers, authorization, 'X-Amz-Date:20150830T123600Z', '', body].join('\n');
}

/** From AWS's Signature Version 4 test suite, `header-signed-request.txt` of each name. */
const vectors = {
  'post-vanilla': signed(
    ['POST / HTTP/1.1'],
    'host;x-amz-date',
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  ),
  'post-x-www-form-urlencoded': signed(
    [
      'POST / HTTP/1.1',
      'Content-Type:application/x-www-form-urlencoded',
      'Content-Length:13',
      'x-amz-content-sha256:9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e',
    ],
    'content-length;content-type;host;x-amz-content-sha256;x-amz-date',
    'd3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b',
    'Param1=value1',
  ),
  'get-vanilla-with-session-token': signed(
    ['GET / HTTP/1.1', 'X-Amz-Security-Token:6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267'],
    'host;x-amz-date;x-amz-security-token',
    '07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8',
  ),
  'post-header-value-case': signed(
    ['POST / HTTP/1.1', 'My-Header1:VALUE1'],
    'host;my-header1;x-amz-date',
    'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
  ),
  'get-header-value-trim': signed(
    ['GET / HTTP/1.1', 'My-Header1: value1', 'My-Header2: "a   b   c"'],
    'host;my-header1;my-header2;x-amz-date',
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  ),
  'get-vanilla-query-order-key-case': signed(
    ['GET /?Param2=value2&Param1=value1 HTTP/1.1'],
    'host;x-amz-date',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ),
  'get-utf8': signed(
    ['GET /ሴ HTTP/1.1'],
    'host;x-amz-date',
    '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
  ),
};

describe('Signature Version 4', () => {
  it.each(Object.entries(vectors))('signs as AWS does: %s', (_, text) => {
    const request = requestOf(text);
    const authorization = parseAuthorization(request.headers['authorization']!)!;
    expect(authorization).toMatchObject({
      accessKeyId: 'AKIDEXAMPLE',
      scope: '20150830/us-east-1/service/aws4_request',
    });
    expect(signatureOf(request, authorization, SECRET)).toBe(authorization.signature);
  });

  it.each([
    'Bearer abc',
    'AWS4-HMAC-SHA256 ',
    `AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/service/aws4_request, Signature=${'0'.repeat(64)}`,
    'AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/service/aws4_request, SignedHeaders=host',
    'AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/service/aws4_request, SignedHeaders=host, Signature=0',
    `AWS4-HMAC-SHA256 Credential=a/today/us-east-1/service/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
  ])('takes %j for no authorization', (header) => {
    expect(parseAuthorization(header)).toBeUndefined();
  });
});
