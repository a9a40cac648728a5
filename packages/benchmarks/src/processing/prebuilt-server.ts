import { createServer, request as send, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { startLocalAws, unlimitedRates } from '@millrace/local';
import type { AwsReady } from '../coordination/aws-server';
import { settingsFromParent } from '../coordination/messages';
import { kinesisClient } from '../local/client';
import { endWithParent, failParent, serveParent, type Usage } from '../server-side';
import type { PrebuiltSettings, PrebuiltUsage } from './messages';
import { pageContent } from './page-content';
import { PrebuiltPages } from './prebuilt-pages';

type PagesByShard = ReadonlyMap<string, PrebuiltPages>;

/** GetRecords and GetShardIterator are answered from what was built beforehand; all other calls by `@millrace/local`. */
async function main(settings: PrebuiltSettings): Promise<void> {
  const { streamName: name, shards: shardCount } = settings;
  const aws = await startLocalAws({ limits: unlimitedRates, streams: [{ name, shardCount }] });
  const pages = await pagesOfAll(aws.kinesisEndpoint, settings);
  let getRecordsCalls = 0;
  const server = createServer((request, response) => {
    if (operationOf(request) === 'GetRecords') getRecordsCalls++;
    answer(request, response, pages, aws.kinesisEndpoint).catch((error: unknown) => {
      // A reader that has ended takes its calls with it.
      if (request.complete) failParent(error);
    });
  });
  // Or it would cut a connection that a reader is about to use again.
  server.keepAliveTimeout = 0;
  const takeMostConnections = countConnections(server);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    const ready: AwsReady = { endpoint: `http://127.0.0.1:${port}`, dynamodbEndpoint: aws.dynamodbEndpoint };
    serveParent(ready, (): Omit<PrebuiltUsage, keyof Usage> => {
      return { atMs: performance.now(), getRecordsCalls, mostConnections: takeMostConnections() };
    });
  });
}

/** Returns what gives the most that were open at once since it was called before. */
function countConnections(server: Server): () => number {
  let open = 0;
  let most = 0;
  server.on('connection', (socket: Socket) => {
    most = Math.max(most, ++open);
    socket.once('close', () => open--);
  });
  return () => {
    const taken = most;
    most = open;
    return taken;
  };
}

async function pagesOfAll(kinesisEndpoint: string, settings: PrebuiltSettings): Promise<PagesByShard> {
  const kinesis = kinesisClient('http1', kinesisEndpoint);
  const { Shards = [] } = await kinesis.listShards({ StreamName: settings.streamName });
  kinesis.destroy();
  return new Map(
    Shards.map(({ ShardId: shardId, HashKeyRange: { StartingHashKey: first, EndingHashKey: last } = {} }) => {
      if (shardId === undefined || first === undefined || last === undefined)
        throw new Error('a shard without a range');
      const range = { first: BigInt(first), last: BigInt(last) };
      return [shardId, new PrebuiltPages(pageContent(shardId, range, settings))];
    }),
  );
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: PagesByShard,
  kinesisEndpoint: string,
): Promise<void> {
  const body = await buffer(request);
  const operation = operationOf(request);
  if (operation === 'GetRecords') respond(response, recordsFor(parsed(body), pages));
  else if (operation === 'GetShardIterator') respond(response, iteratorFor(parsed(body), pages));
  else forward(request, body, response, kinesisEndpoint);
}

function operationOf({ headers }: IncomingMessage): string | undefined {
  return String(headers['x-amz-target']).split('.')[1];
}

function parsed(body: Buffer): Readonly<Record<string, unknown>> {
  return JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
}

function recordsFor({ ShardIterator, Limit }: Readonly<Record<string, unknown>>, pages: PagesByShard): Buffer {
  const iterator = String(ShardIterator);
  return pagesOf(PrebuiltPages.shardOf(iterator), pages).answer(iterator, Number(Limit));
}

function iteratorFor(input: Readonly<Record<string, unknown>>, pages: PagesByShard): Buffer {
  const { ShardId, ShardIteratorType: type, StartingSequenceNumber: sequenceNumber } = input;
  if (type !== 'TRIM_HORIZON' && type !== 'AT_SEQUENCE_NUMBER') throw new Error(`no iterators ${String(type)}`);
  const shard = pagesOf(String(ShardId), pages);
  const iterator = type === 'TRIM_HORIZON' ? shard.iterator() : shard.iterator(String(sequenceNumber));
  return Buffer.from(JSON.stringify({ ShardIterator: iterator }));
}

function pagesOf(shardId: string, pages: PagesByShard): PrebuiltPages {
  const found = pages.get(shardId);
  if (found === undefined) throw new Error(`no pages of ${shardId}`);
  return found;
}

function forward(request: IncomingMessage, body: Buffer, response: ServerResponse, kinesisEndpoint: string): void {
  const { method, headers } = request;
  const forwarded = send(kinesisEndpoint, { method, headers }, (answered) => {
    response.writeHead(answered.statusCode ?? 500, answered.headers);
    answered.pipe(response);
  });
  forwarded.on('error', failParent);
  forwarded.end(body);
}

function respond(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'content-length': body.length });
  response.end(body);
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as PrebuiltSettings).catch(failParent);
