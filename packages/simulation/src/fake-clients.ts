import type { Machine } from './machine';
import type { Network } from './network';
import type { ServiceName } from './service-call';
import type { VirtualTime } from './virtual-time';

/** What a worker's clients are made of. It travels in their configuration, because the worker makes its own from it. */
export interface FakeClientConfig {
  readonly simulated: { readonly network: Network; readonly machine: Machine; readonly time: VirtualTime };
  /** Keeps the worker from making one for real connections. */
  readonly requestHandler: { readonly handle: () => never };
}

interface Command {
  readonly input: Readonly<Record<string, unknown>>;
  readonly constructor: { readonly name: string };
  readonly middlewareStack: {
    resolve(
      handler: (request: object) => Promise<{ readonly output: unknown; readonly response: object }>,
      context: object,
    ): (request: object) => Promise<{ readonly output: unknown }>;
    identify(): readonly string[];
  };
}

interface MiddlewareStack {
  clone(): MiddlewareStack;
  identify(): string[];
  remove(name: string): boolean;
  use(plugin: object): void;
}

const noMiddleware: MiddlewareStack = {
  clone: () => noMiddleware,
  identify: () => [],
  remove: () => false,
  use: () => undefined,
};

export function fakeClientConfig(network: Network, machine: Machine, time: VirtualTime): FakeClientConfig {
  const handle = (): never => {
    throw new Error('a simulation has no network');
  };
  return { simulated: { network, machine, time }, requestHandler: { handle } };
}

/** Where the SDK ends: `send` takes a real command and answers, or fails, as the SDK's client does. */
abstract class FakeClient {
  readonly middlewareStack = noMiddleware;

  constructor(readonly config: FakeClientConfig) {}

  protected abstract readonly service: ServiceName;

  async send(command: Command, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}): Promise<unknown> {
    const { network, machine, time } = this.config.simulated;
    const operation = command.constructor.name.replace(/Command$/, '');
    const send = (): Promise<unknown> =>
      network.send(machine, { service: this.service, operation, input: command.input }, abortSignal);
    if (command.middlewareStack.identify().length === 0) return send();
    // What a command carries of its own looks at the answer's headers.
    const handler = command.middlewareStack.resolve(async () => {
      const output = await send();
      return { output, response: { headers: { date: new Date(time.wallTime()).toUTCString() } } };
    }, {});
    return (await handler({ input: command.input })).output;
  }

  destroy(): void {
    // Nothing is open.
  }
}

export class FakeKinesisClient extends FakeClient {
  protected readonly service = 'kinesis';
}

export class FakeDynamoDbClient extends FakeClient {
  protected readonly service = 'dynamodb';
}
