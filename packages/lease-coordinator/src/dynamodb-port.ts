import type { DynamoDBClient, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-dynamodb';
import type { AbortSignalLike } from '@millrace/core';

type Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Parameters<
  typeof DynamoDBClient.prototype.send<Input, Output>
>[0];

/** What is needed of a DynamoDB client. It must take any signal: to make one of Node's own for each call took a tenth of an idle poll (measured). */
export interface DynamoDbPort {
  send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: Command<Input, Output>,
    options: { readonly abortSignal: AbortSignalLike },
  ): Promise<Output>;
}
