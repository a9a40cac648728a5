import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { stopOnSignals, Worker, type RecordProcessor } from 'millrace';
import { DelayTotals } from './delay-totals';
import { DeliveryLog } from './delivery-log';
import { openTotalsTable } from './totals-table';

/**
 * One worker of the application `flight-delays`. Start it in as many terminals as you like: they share the stream's
 * shards. The SDK's own variables say where Kinesis and DynamoDB are: `AWS_REGION`, `AWS_ENDPOINT_URL_KINESIS`,
 * `AWS_ENDPOINT_URL_DYNAMODB`.
 */
async function main(): Promise<void> {
  const {
    STREAM_NAME: streamName = 'flights',
    APPLICATION_NAME: applicationName = 'flight-delays',
    FAILOVER_TIME_MS: failoverTimeMs,
    DELIVERY_LOG: deliveryLog,
  } = process.env;

  const totals = await openTotalsTable(new DynamoDBClient(), `${applicationName}-totals`);
  const worker = new Worker({
    applicationName,
    streamName,
    leases: { failoverTimeMs: failoverTimeMs === undefined ? undefined : Number(failoverTimeMs) },
    processorFactory: () => {
      const processor: RecordProcessor = new DelayTotals(totals);
      return deliveryLog === undefined ? processor : new DeliveryLog(processor, deliveryLog);
    },
  });
  worker
    .on('leaseTaken', ({ shardId }) => console.log(`reads ${shardId}`))
    .on('recordsProcessed', ({ shardId, recordCount }) => console.log(`${shardId}: ${recordCount} flights`))
    .on('shardEnded', ({ shardId }) => console.log(`${shardId} is read to its end`));
  stopOnSignals(worker);
  await worker.run();
}

main().catch((error: unknown) => {
  console.error(`flight-delays: ${error instanceof Error ? error.message || error.name : String(error)}`);
  process.exitCode = 1;
});
