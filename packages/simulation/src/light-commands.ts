import { createRequire } from 'node:module';

/*
 * A command of the SDK is made for each call, and how its classes set their fields is something that V8 (11.3) never speeds
 * up: to make one takes as long as a simulated call does otherwise.
 */

interface SdkCommand {
  readonly middlewareStack: object;
}

type CommandClass = new (input: object) => SdkCommand;

/** Stands for a real command, which is made only if somebody asks for its middleware. */
export class LightCommand implements SdkCommand {
  /** `UpdateItem` of an `UpdateItemCommand`. */
  declare readonly operation: string;
  declare readonly input: Readonly<Record<string, unknown>>;
  readonly #makeReal: () => SdkCommand;
  #real: SdkCommand | undefined;

  constructor(operation: string, input: Readonly<Record<string, unknown>>, makeReal: () => SdkCommand) {
    // As public fields these would be as slow as those of the SDK.
    this.operation = operation;
    this.input = input;
    this.#makeReal = makeReal;
  }

  get middlewareStack(): object {
    this.#real ??= this.#makeReal();
    return this.#real.middlewareStack;
  }

  /** Nobody has asked for its middleware, so that there is nothing in it. */
  get isPlain(): boolean {
    return this.#real === undefined;
  }
}

/** Replaces the commands of both SDK clients in this process, for code that is loaded already too. */
export function installLightCommands(): void {
  const load = createRequire(__filename);
  for (const client of ['@aws-sdk/client-dynamodb', '@aws-sdk/client-kinesis']) {
    const sdk = load(client) as Record<string, CommandClass>;
    for (const [name, exported] of Object.entries(sdk)) if (/[a-z]Command$/.test(name)) sdk[name] = lightOf(exported);
  }
}

function lightOf(commandClass: CommandClass): CommandClass {
  const operation = commandClass.name.replace(/Command$/, '');
  return new Proxy(commandClass, {
    construct: (_, [input = {}]: [Readonly<Record<string, unknown>>?]) =>
      new LightCommand(operation, input, () => new commandClass(input)),
  });
}
