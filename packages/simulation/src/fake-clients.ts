import { LightCommand } from './light-commands';
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

/** Where the SDK ends: `send` takes a command, a real or a light one, and answers, or fails, as the SDK's client does. */
abstract class FakeClient {
  readonly middlewareStack = noMiddleware;

  constructor(readonly config: FakeClientConfig) {}

  protected abstract readonly service: ServiceName;

  send(command: Command, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}): Promise<unknown> {
    const { network, machine } = this.config.simulated;
    const call = { service: this.service, operation: operationOf(command), input: command.input };
    // What a command carries of its own looks at the answer's headers.
    return isPlain(command)
      ? network.send(machine, call, abortSignal)
      : this.#sendThrough(command, () => network.send(machine, call, abortSignal));
  }

  async #sendThrough(command: Command, send: () => Promise<unknown>): Promise<unknown> {
    const { time } = this.config.simulated;
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

function isPlain(command: Command): boolean {
  return command instanceof LightCommand ? command.isPlain : command.middlewareStack.identify().length === 0;
}

const operations = new Map<string, string>();

/** `UpdateItem` of an `UpdateItemCommand`. */
function operationOf(command: Command): string {
  if (command instanceof LightCommand) return command.operation;
  const { name } = command.constructor;
  let operation = operations.get(name);
  if (operation === undefined) {
    operation = name.replace(/Command$/, '');
    operations.set(name, operation);
  }
  return operation;
}

export class FakeKinesisClient extends FakeClient {
  protected readonly service = 'kinesis';
}

export class FakeDynamoDbClient extends FakeClient {
  protected readonly service = 'dynamodb';
}
