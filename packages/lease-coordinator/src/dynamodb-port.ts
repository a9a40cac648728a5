import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** What is needed of a DynamoDB client. */
export type DynamoDbPort = Pick<DynamoDBClient, 'send'>;
