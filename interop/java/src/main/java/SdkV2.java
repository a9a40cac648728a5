import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ReturnValuesOnConditionCheckFailure;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.ExpiredIteratorException;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.GetShardIteratorRequest;
import software.amazon.awssdk.services.kinesis.model.InvalidArgumentException;
import software.amazon.awssdk.services.kinesis.model.ProvisionedThroughputExceededException;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ScalingType;
import software.amazon.awssdk.services.kinesis.model.ShardFilterType;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;
import software.amazon.awssdk.services.kinesis.waiters.KinesisWaiter;

/** The AWS SDK for Java 2.x with its default HTTP clients: HTTP/1.1, and for the asynchronous one HTTP/2. No retries. */
final class SdkV2 {
  private static final String SHARD = "shardId-000000000000";
  private static final RequestLog LOG = new RequestLog();
  private static final ClientOverrideConfiguration OVERRIDES =
      ClientOverrideConfiguration.builder()
          .retryStrategy(AwsRetryStrategy.doNotRetry())
          .addExecutionInterceptor(LOG)
          .build();
  private static final SdkBytes BYTES = SdkBytes.fromByteArray(Check.everyByte());

  private static final KinesisClient KINESIS =
      KinesisClient.builder().endpointOverride(Check.kinesis()).overrideConfiguration(OVERRIDES).build();

  /** Its own pauses are of 10 s. */
  private static final KinesisWaiter WAITER = KinesisWaiter.builder().client(KINESIS)
      .overrideConfiguration(waiter -> waiter.maxAttempts(200)
          .backoffStrategyV2(BackoffStrategy.fixedDelayWithoutJitter(Duration.ofMillis(50))))
      .build();

  static void check() {
    Check.that("create a stream, and the waiter for it", SdkV2::createStream);
    Check.that("put and get carry every byte", SdkV2::putAndGet);
    Check.that("GetShardIterator AT_TIMESTAMP", SdkV2::atTimestamp);
    Check.that("ListShards with a creation timestamp and the filter AT_TIMESTAMP", SdkV2::listShards);
    Check.that("the paginator of ListStreams", SdkV2::listStreams);
    Check.that("UpdateShardCount, and the children of a closed shard", SdkV2::reshard);
    Check.that("tags", SdkV2::tags);
    Check.that("errors by their class", SdkV2::errors);
    Check.that("ExpiredIteratorException", SdkV2::expiredIterator);
    Check.that("a page of 10 MB, and ProvisionedThroughputExceededException after it", SdkV2::largePage);
    var cbor = Boolean.parseBoolean(System.getProperty("aws.cborEnabled", "true"));
    var type = "application/x-amz-" + (cbor ? "cbor" : "json") + "-1.1";
    Check.that("all of that was " + type, () -> Check.equal(LOG.contentTypes.toString(), "[" + type + "]"));
    try (var async = KinesisAsyncClient.builder().endpointOverride(Check.kinesis()).overrideConfiguration(OVERRIDES).build()) {
      Check.that("the asynchronous client puts and gets", () -> asynchronous(async));
      Check.that("the asynchronous client gets a page of 10 MB", () -> asynchronousLargePage(async));
      Check.that("the asynchronous client knows an error by its class", () ->
          Check.error(ResourceNotFoundException.class, () ->
              async.describeStreamSummary(call -> call.streamName("none")).get(30, TimeUnit.SECONDS)));
    }
    Check.that("DynamoDB, a condition that fails", SdkV2::conditions);
  }

  private static void create(String stream, int shards) {
    KINESIS.createStream(call -> call.streamName(stream).shardCount(shards));
    WAITER.waitUntilStreamExists(call -> call.streamName(stream));
  }

  private static void createStream() {
    create("flights", 2);
    var summary = KINESIS.describeStreamSummary(call -> call.streamName("flights")).streamDescriptionSummary();
    Check.equal(summary.streamStatus(), StreamStatus.ACTIVE);
    Check.equal(summary.openShardCount(), 2);
    Check.equal(summary.retentionPeriodHours(), 24);
    Check.isRecent(summary.streamCreationTimestamp());
  }

  private static GetRecordsResponse read(String stream, ShardIteratorType type) {
    var iterator = KINESIS.getShardIterator(call -> call.streamName(stream).shardId(SHARD).shardIteratorType(type));
    return KINESIS.getRecords(call -> call.shardIterator(iterator.shardIterator()));
  }

  private static void putAndGet() {
    create("bytes", 1);
    var first = KINESIS.putRecord(call -> call.streamName("bytes").partitionKey("LH 400").data(BYTES));
    var entries = List.of(
        PutRecordsRequestEntry.builder().partitionKey("\u00fc").data(SdkBytes.fromUtf8String("late")).build(),
        PutRecordsRequestEntry.builder().partitionKey("k").explicitHashKey("0").data(SdkBytes.fromUtf8String("")).build());
    var rest = KINESIS.putRecords(call -> call.streamName("bytes").records(entries));
    Check.equal(rest.failedRecordCount(), 0);
    var page = read("bytes", ShardIteratorType.TRIM_HORIZON);
    Check.equal(page.millisBehindLatest(), 0L);
    var records = page.records();
    Check.equal(records.size(), 3);
    Check.equal(records.get(0).data(), BYTES);
    Check.equal(records.get(0).sequenceNumber(), first.sequenceNumber());
    Check.equal(records.get(1).data().asUtf8String(), "late");
    Check.equal(records.get(1).partitionKey(), "\u00fc");
    Check.equal(records.get(2).data().asByteArray().length, 0);
    for (var record : records) Check.isRecent(record.approximateArrivalTimestamp());
  }

  private static void atTimestamp() {
    var arrived = read("bytes", ShardIteratorType.TRIM_HORIZON).records().get(0).approximateArrivalTimestamp();
    Check.equal(countFrom(arrived), 3);
    Check.equal(countFrom(arrived.minus(1, ChronoUnit.HOURS)), 3);
    var request = GetShardIteratorRequest.builder().streamName("bytes").shardId(SHARD)
        .shardIteratorType(ShardIteratorType.AT_TIMESTAMP).timestamp(Instant.now().plusSeconds(3600)).build();
    Check.error(InvalidArgumentException.class, () -> KINESIS.getShardIterator(request));
  }

  private static int countFrom(Instant moment) {
    var iterator = KINESIS.getShardIterator(call -> call.streamName("bytes").shardId(SHARD)
        .shardIteratorType(ShardIteratorType.AT_TIMESTAMP).timestamp(moment)).shardIterator();
    return KINESIS.getRecords(call -> call.shardIterator(iterator)).records().size();
  }

  private static void listShards() {
    var created = KINESIS.describeStreamSummary(call -> call.streamName("flights")).streamDescriptionSummary()
        .streamCreationTimestamp();
    var page = KINESIS.listShards(call -> call.streamName("flights").maxResults(1).streamCreationTimestamp(created)
        .shardFilter(filter -> filter.type(ShardFilterType.AT_TIMESTAMP).timestamp(Instant.now())));
    var next = KINESIS.listShards(call -> call.nextToken(page.nextToken()));
    Check.equal(page.shards().size(), 1);
    Check.equal(next.shards().size(), 1);
    Check.equal(next.shards().get(0).hashKeyRange().endingHashKey(), "340282366920938463463374607431768211455");
    Check.error(ResourceNotFoundException.class, () -> KINESIS.listShards(call ->
        call.streamName("flights").streamCreationTimestamp(created.minusSeconds(60))));
  }

  private static void listStreams() {
    var names = KINESIS.listStreamsPaginator(call -> call.limit(1)).streamNames().stream().toList();
    Check.equal(names, List.of("bytes", "flights"));
  }

  private static void reshard() {
    create("scaled", 1);
    var scaled = KINESIS.updateShardCount(call ->
        call.streamName("scaled").targetShardCount(2).scalingType(ScalingType.UNIFORM_SCALING));
    Check.equal(scaled.currentShardCount(), 1);
    WAITER.waitUntilStreamExists(call -> call.streamName("scaled"));
    var end = read("scaled", ShardIteratorType.TRIM_HORIZON);
    Check.equal(end.nextShardIterator(), null);
    Check.equal(end.childShards().size(), 2);
    Check.equal(end.childShards().get(0).parentShards(), List.of(SHARD));
  }

  private static void tags() {
    KINESIS.addTagsToStream(call -> call.streamName("flights").tags(Map.of("Data", "eA==", "line", "LH")));
    var tags = KINESIS.listTagsForStream(call -> call.streamName("flights")).tags();
    Check.equal(tags.stream().map(tag -> tag.key() + " " + tag.value()).toList(), List.of("Data eA==", "line LH"));
  }

  private static void errors() {
    var none = Check.error(ResourceNotFoundException.class, () ->
        KINESIS.describeStreamSummary(call -> call.streamName("none")));
    Check.equal(none.statusCode(), 400);
    Check.isTrue(none.awsErrorDetails().errorMessage().startsWith("Stream none under account"), none);
    Check.isTrue(none.requestId() != null, none);
    Check.error(ResourceInUseException.class, () ->
        KINESIS.createStream(call -> call.streamName("flights").shardCount(1)));
    Check.error(InvalidArgumentException.class, () -> KINESIS.getRecords(call -> call.shardIterator("nonsense")));
  }

  private static void expiredIterator() throws Exception {
    var iterator = KINESIS.getShardIterator(call ->
        call.streamName("flights").shardId(SHARD).shardIteratorType(ShardIteratorType.LATEST)).shardIterator();
    Check.expireIterators();
    var error = Check.error(ExpiredIteratorException.class, () ->
        KINESIS.getRecords(call -> call.shardIterator(iterator)));
    Check.isTrue(error.awsErrorDetails().errorMessage().startsWith("Iterator expired"), error);
  }

  private static List<PutRecordsRequestEntry> fiveMegabytes() {
    var data = new byte[1_000_000];
    for (int index = 0; index < data.length; index++) data[index] = (byte) (index * 31);
    return Collections.nCopies(5,
        PutRecordsRequestEntry.builder().partitionKey("k").data(SdkBytes.fromByteArray(data)).build());
  }

  private static void largePage() {
    create("large", 1);
    var entries = fiveMegabytes();
    for (int call = 0; call < 2; call++) {
      Check.equal(KINESIS.putRecords(put -> put.streamName("large").records(entries)).failedRecordCount(), 0);
    }
    var page = read("large", ShardIteratorType.TRIM_HORIZON);
    Check.equal(page.records().size(), 10);
    Check.isTrue(page.records().stream().allMatch(record -> record.data().equals(entries.get(0).data())), "other bytes");
    Check.error(ProvisionedThroughputExceededException.class, () ->
        KINESIS.getRecords(call -> call.shardIterator(page.nextShardIterator())));
  }

  private static void asynchronous(KinesisAsyncClient client) throws Exception {
    create("async", 1);
    var puts = IntStream.range(0, 50).mapToObj(index ->
        client.putRecord(call -> call.streamName("async").partitionKey("k" + index).data(BYTES))).toList();
    for (var put : puts) put.get(30, TimeUnit.SECONDS);
    var iterator = client.getShardIterator(call -> call.streamName("async").shardId(SHARD)
        .shardIteratorType(ShardIteratorType.AT_TIMESTAMP).timestamp(Instant.EPOCH)).get(30, TimeUnit.SECONDS);
    var page = client.getRecords(call -> call.shardIterator(iterator.shardIterator())).get(30, TimeUnit.SECONDS);
    Check.equal(page.records().size(), 50);
    for (var record : page.records()) {
      Check.equal(record.data(), BYTES);
      Check.isRecent(record.approximateArrivalTimestamp());
    }
  }

  private static void asynchronousLargePage(KinesisAsyncClient client) throws Exception {
    create("async-large", 1);
    for (int call = 0; call < 2; call++) {
      client.putRecords(put -> put.streamName("async-large").records(fiveMegabytes())).get(30, TimeUnit.SECONDS);
    }
    var iterator = client.getShardIterator(call -> call.streamName("async-large").shardId(SHARD)
        .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).get(30, TimeUnit.SECONDS);
    var page = client.getRecords(call -> call.shardIterator(iterator.shardIterator())).get(30, TimeUnit.SECONDS);
    Check.equal(page.records().size(), 10);
  }

  private static void conditions() {
    try (var dynamodb = DynamoDbClient.builder().endpointOverride(Check.dynamodb())
        .overrideConfiguration(override -> override.retryStrategy(AwsRetryStrategy.doNotRetry())).build()) {
      dynamodb.createTable(call -> call.tableName("leases").billingMode(BillingMode.PAY_PER_REQUEST)
          .attributeDefinitions(a -> a.attributeName("leaseKey").attributeType(ScalarAttributeType.S))
          .keySchema(key -> key.attributeName("leaseKey").keyType(KeyType.HASH)));
      dynamodb.waiter().waitUntilTableExists(call -> call.tableName("leases"));
      var item = Map.of("leaseKey", AttributeValue.fromS("a"), "bytes", AttributeValue.fromB(BYTES));
      dynamodb.putItem(call -> call.tableName("leases").item(item));
      Check.equal(dynamodb.getItem(call -> call.tableName("leases").consistentRead(true)
          .key(Map.of("leaseKey", AttributeValue.fromS("a")))).item(), item);
      var error = Check.error(ConditionalCheckFailedException.class, () -> dynamodb.putItem(call -> call
          .tableName("leases").item(item).conditionExpression("attribute_not_exists(leaseKey)")
          .returnValuesOnConditionCheckFailure(ReturnValuesOnConditionCheckFailure.ALL_OLD)));
      Check.equal(error.item(), item);
    }
  }

  private SdkV2() {}
}
