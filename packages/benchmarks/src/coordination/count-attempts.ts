import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Attempts } from './messages';

/** What of a call's input tells what it is for. */
export interface CallInput {
  readonly Item?: Readonly<Record<string, { readonly S?: string | undefined }>> | undefined;
  readonly UpdateExpression?: string | undefined;
}

/** Every row of a shard has its id as key. */
const leaseKeyPrefix = 'shardId-';
/** Only who becomes the owner writes since when. */
const claimMark = 'millraceAcquired = ';

export type CallKind = 'claim' | 'create' | 'other';

export function kindOfCall(command: string | undefined, { Item, UpdateExpression }: CallInput): CallKind {
  if (command === 'PutItemCommand' && Item?.['leaseKey']?.S?.startsWith(leaseKeyPrefix) === true) return 'create';
  if (command === 'UpdateItemCommand' && UpdateExpression?.includes(claimMark) === true) return 'claim';
  return 'other';
}

/** Counts the client's calls before they are sent. A worker makes its own client from this one, and keeps the counting. */
export function countAttempts(client: DynamoDBClient): () => Attempts {
  const counts = { create: 0, claim: 0, other: 0 };
  client.middlewareStack.add(
    (next, context) => async (call) => {
      counts[kindOfCall(context.commandName, call.input as CallInput)]++;
      return next(call);
    },
    { step: 'initialize', name: 'countAttempts' },
  );
  return () => ({ creates: counts.create, claims: counts.claim });
}
