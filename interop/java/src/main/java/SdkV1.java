import com.amazonaws.ClientConfiguration;
import com.amazonaws.PredefinedClientConfigurations;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.retry.PredefinedRetryPolicies;
import com.amazonaws.services.kinesis.AmazonKinesis;
import com.amazonaws.services.kinesis.AmazonKinesisClientBuilder;
import com.amazonaws.services.kinesis.model.ExpiredIteratorException;
import com.amazonaws.services.kinesis.model.GetRecordsRequest;
import com.amazonaws.services.kinesis.model.GetRecordsResult;
import com.amazonaws.services.kinesis.model.GetShardIteratorRequest;
import com.amazonaws.services.kinesis.model.InvalidArgumentException;
import com.amazonaws.services.kinesis.model.ListShardsRequest;
import com.amazonaws.services.kinesis.model.ProvisionedThroughputExceededException;
import com.amazonaws.services.kinesis.model.PutRecordsRequest;
import com.amazonaws.services.kinesis.model.PutRecordsRequestEntry;
import com.amazonaws.services.kinesis.model.ResourceNotFoundException;
import com.amazonaws.services.kinesis.model.ShardFilter;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Collections;
import java.util.Date;

/** The AWS SDK for Java 1.x, which is out of support and still in use. No retries. */
final class SdkV1 {
  private static final String SHARD = "shardId-000000000000";
  private static final AmazonKinesis KINESIS = AmazonKinesisClientBuilder.standard()
      .withEndpointConfiguration(new EndpointConfiguration(Check.kinesis().toString(), "us-east-1"))
      .withClientConfiguration(configuration())
      .build();

  private static ClientConfiguration configuration() {
    return PredefinedClientConfigurations.defaultConfig().withRetryPolicy(PredefinedRetryPolicies.NO_RETRY_POLICY);
  }

  static void check() {
    Check.that("put and get carry every byte", SdkV1::putAndGet);
    if (Boolean.getBoolean("com.amazonaws.sdk.disableCbor")) {
      // It sends milliseconds for seconds, and AWS refuses them: aws/aws-sdk-java issue 2588.
      Check.that("GetShardIterator AT_TIMESTAMP fails as it does on AWS", () -> {
        var error = Check.error(InvalidArgumentException.class, SdkV1::atTimestamp);
        Check.isTrue(error.getErrorMessage().contains("cannot be greater than the currentTimestampInMillis"), error);
      });
    } else {
      Check.that("GetShardIterator AT_TIMESTAMP", SdkV1::atTimestamp);
      Check.that("ListShards with a creation timestamp and the filter AT_TIMESTAMP", SdkV1::listShards);
    }
    Check.that("errors by their class", SdkV1::errors);
    Check.that("ExpiredIteratorException", SdkV1::expiredIterator);
    Check.that("a page of 10 MB, and ProvisionedThroughputExceededException after it", SdkV1::largePage);
  }

  private static void create(String stream, int shards) throws InterruptedException {
    KINESIS.createStream(stream, shards);
    while (!KINESIS.describeStream(stream).getStreamDescription().getStreamStatus().equals("ACTIVE")) Thread.sleep(20);
  }

  private static String iterator(String stream, String type) {
    return KINESIS.getShardIterator(stream, SHARD, type).getShardIterator();
  }

  private static GetRecordsResult read(String iterator) {
    return KINESIS.getRecords(new GetRecordsRequest().withShardIterator(iterator));
  }

  private static void putAndGet() throws Exception {
    create("bytes", 1);
    var put = KINESIS.putRecord("bytes", ByteBuffer.wrap(Check.everyByte()), "LH 400");
    var record = read(iterator("bytes", "TRIM_HORIZON")).getRecords().get(0);
    Check.equal(record.getData(), ByteBuffer.wrap(Check.everyByte()));
    Check.equal(record.getSequenceNumber(), put.getSequenceNumber());
    Check.isRecent(record.getApproximateArrivalTimestamp().toInstant());
  }

  private static void atTimestamp() {
    var request = new GetShardIteratorRequest().withStreamName("bytes").withShardId(SHARD)
        .withShardIteratorType("AT_TIMESTAMP").withTimestamp(Date.from(Instant.now().minusSeconds(3600)));
    Check.equal(read(KINESIS.getShardIterator(request).getShardIterator()).getRecords().size(), 1);
  }

  private static void listShards() throws Exception {
    create("flights", 2);
    var created = KINESIS.describeStream("flights").getStreamDescription().getStreamCreationTimestamp();
    var request = new ListShardsRequest().withStreamName("flights").withStreamCreationTimestamp(created)
        .withShardFilter(new ShardFilter().withType("AT_TIMESTAMP").withTimestamp(new Date()));
    Check.equal(KINESIS.listShards(request).getShards().size(), 2);
  }

  private static void errors() {
    var error = Check.error(ResourceNotFoundException.class, () -> KINESIS.describeStream("none"));
    Check.equal(error.getStatusCode(), 400);
    Check.isTrue(error.getErrorMessage().startsWith("Stream none under account"), error);
  }

  private static void expiredIterator() throws Exception {
    var iterator = iterator("bytes", "LATEST");
    Check.expireIterators();
    var error = Check.error(ExpiredIteratorException.class, () -> read(iterator));
    Check.isTrue(error.getErrorMessage().startsWith("Iterator expired"), error);
  }

  private static void largePage() throws Exception {
    create("large", 1);
    var entry = new PutRecordsRequestEntry().withPartitionKey("k").withData(ByteBuffer.wrap(new byte[1_000_000]));
    for (int call = 0; call < 2; call++) {
      var request = new PutRecordsRequest().withStreamName("large").withRecords(Collections.nCopies(5, entry));
      Check.equal(KINESIS.putRecords(request).getFailedRecordCount(), 0);
    }
    var page = read(iterator("large", "TRIM_HORIZON"));
    Check.equal(page.getRecords().size(), 10);
    Check.equal(page.getRecords().get(9).getData().remaining(), 1_000_000);
    Check.error(ProvisionedThroughputExceededException.class, () -> read(page.getNextShardIterator()));
  }

  private SdkV1() {}
}
