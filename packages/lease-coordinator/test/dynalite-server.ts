import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';

/** DynamoDB in this process, on loopback. */
export class DynaliteServer {
  readonly client: DynamoDBClient;

  private constructor(private readonly server: Server) {
    const { port } = server.address() as AddressInfo;
    this.client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${String(port)}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    });
  }

  static async start(): Promise<DynaliteServer> {
    const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new DynaliteServer(server);
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }
}
