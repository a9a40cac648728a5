import { createRequire } from 'node:module';
import { Server, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { endWithParent, failParent, serveParent } from '../server-side';
import { firstAnswer } from './first-answer';

/** One without TLS, one with it. */
const serverCount = 2;

/**
 * The package `kinesis-local` in a process of its own. It is a program, not a library: it takes its settings from the environment,
 * listens at every address of the machine, and does not say which ports it has picked. So `listen` is replaced first.
 */
async function main(): Promise<void> {
  const requireHere = createRequire(__filename);
  Object.assign(process.env, {
    KINESIS_MOCK_PLAIN_PORT: '0',
    KINESIS_MOCK_TLS_PORT: '0',
    // The default is a path in the working directory, without which it does not start.
    KINESIS_MOCK_CERT_PATH: join(dirname(requireHere.resolve('kinesis-local')), 'server.json'),
    LOG_LEVEL: 'ERROR',
    // Else it warns all the time that it is busy.
    CATS_EFFECT_CPU_STARVATION_CHECK_INITIAL_DELAY: 'Inf',
    CREATE_STREAM_DURATION: '10ms',
    DELETE_STREAM_DURATION: '10ms',
  });
  const listening = portsOf(serverCount);
  // Loading it starts it.
  createRequire(__filename)('kinesis-local');
  const port = await firstAnswer(await listening);
  serveParent({ endpoint: `http://127.0.0.1:${port}` });
}

/** The ports of the next servers of this process, which from now on listen on the loopback address only. */
function portsOf(count: number): Promise<readonly number[]> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the server that it is called on
  const { listen } = Server.prototype;
  const ports: number[] = [];
  return new Promise((resolve) => {
    Server.prototype.listen = function (this: Server, port: unknown, ...rest: unknown[]): Server {
      if (typeof port !== 'number' || typeof rest[0] === 'string') {
        throw new Error('kinesis-local listens in another way than the one that is known');
      }
      this.once('listening', () => {
        ports.push((this.address() as AddressInfo).port);
        if (ports.length === count) resolve(ports);
      });
      return Reflect.apply(listen, this, [port, '127.0.0.1', ...rest]) as Server;
    };
  });
}

endWithParent();
main().catch(failParent);
