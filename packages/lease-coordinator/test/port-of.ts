import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { nativeSignal } from '@millrace/core';
import type { DynamoDbPort } from '../src';

export function portOf(client: DynamoDBClient): DynamoDbPort {
  return { send: (command, { abortSignal }) => client.send(command, { abortSignal: nativeSignal(abortSignal) }) };
}
