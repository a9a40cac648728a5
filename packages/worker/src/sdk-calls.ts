import { type AbortSignalLike, nativeSignal } from '@millrace/core';

export interface Command {
  readonly input: object;
}

export interface CallOptions {
  readonly abortSignal?: AbortSignalLike;
}

/** What is used of the SDK's clients. */
export interface SdkClient {
  readonly config: object;
  readonly middlewareStack: object;
  send(command: never, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

/** A class of the SDK's commands. */
export type CommandClass = new (input: never) => Command;

/** Calls through an SDK client, whose request handler may take no signal but one of Node's own: `fetch` takes no other. */
export class SdkCalls {
  constructor(readonly client: SdkClient) {}

  call(Class: CommandClass, input: object, options?: CallOptions): Promise<unknown> {
    return this.send(new Class(input as never), options);
  }

  send(command: Command, { abortSignal }: CallOptions = {}): Promise<unknown> {
    // It takes all commands; their types are of no use here.
    return this.client.send(
      command as never,
      abortSignal === undefined ? {} : { abortSignal: nativeSignal(abortSignal) },
    );
  }
}
