"""boto3 against the embedded Kinesis and DynamoDB. Prints a line per check; see support/tool.mjs for the protocol.

Endpoints, region and credentials come from the usual AWS_ variables. Nothing is retried, so that nothing is hidden.
"""

import datetime
import os
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(retries={"max_attempts": 0}, connect_timeout=10, read_timeout=30)
kinesis = boto3.client("kinesis", config=config)
dynamodb = boto3.client("dynamodb", config=config)

FAST = {"Delay": 1, "MaxAttempts": 20}
# Every byte there is, so that no text encoding survives it by chance.
BYTES = bytes(range(256))

checks = []


def check(name):
    def register(function):
        checks.append((name, function))
        return function

    return register


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def admin(command, body=b"{}"):
    url = f"{os.environ['AWS_ENDPOINT_URL_KINESIS']}/_millrace/{command}"
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        urllib.request.Request(url, data=body, method="POST"), timeout=10
    ).close()


def create(stream, shards=1):
    kinesis.create_stream(StreamName=stream, ShardCount=shards)
    settle(stream)


def settle(stream):
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig=FAST)


def shard_ids(stream, **filters):
    return [shard["ShardId"] for shard in kinesis.list_shards(StreamName=stream, **filters)["Shards"]]


def read(stream, shard_id, **start):
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard_id, **start)["ShardIterator"]
    return kinesis.get_records(ShardIterator=iterator)["Records"]


def caught(error_class, function, *positional, **arguments):
    """The error that the call ends with, which must be of exactly this class of the client."""
    try:
        function(*positional, **arguments)
    except ClientError as error:
        assert type(error) is error_class, f"{type(error).__name__}: {error}"
        assert error.response["Error"]["Message"] != "", "no message"
        return error
    raise AssertionError(f"no error, instead of {error_class.__name__}")


@check("create_stream, and the waiters for a stream that exists and one that does not")
def _():
    create("waited")
    summary = kinesis.describe_stream_summary(StreamName="waited")["StreamDescriptionSummary"]
    assert summary["StreamStatus"] == "ACTIVE", summary
    assert abs(now() - summary["StreamCreationTimestamp"]) < datetime.timedelta(minutes=1), summary
    kinesis.delete_stream(StreamName="waited")
    kinesis.get_waiter("stream_not_exists").wait(StreamName="waited", WaiterConfig=FAST)


@check("put_record, put_records and get_records carry every byte")
def _():
    create("flights")
    first = kinesis.put_record(StreamName="flights", Data=BYTES, PartitionKey="LH 400")
    records = [{"Data": bytes([index]), "PartitionKey": "ü"} for index in range(3)]
    rest = kinesis.put_records(StreamName="flights", Records=records)
    assert rest["FailedRecordCount"] == 0, rest
    got = read("flights", first["ShardId"], ShardIteratorType="TRIM_HORIZON")
    assert [record["Data"] for record in got] == [BYTES, b"\x00", b"\x01", b"\x02"], got
    assert [record["PartitionKey"] for record in got] == ["LH 400", "ü", "ü", "ü"], got
    numbers = [first["SequenceNumber"]] + [record["SequenceNumber"] for record in rest["Records"]]
    assert [record["SequenceNumber"] for record in got] == numbers, got
    for record in got:
        assert abs(now() - record["ApproximateArrivalTimestamp"]) < datetime.timedelta(minutes=1), record


@check("get_shard_iterator of every type")
def _():
    create("positions")
    put = [kinesis.put_record(StreamName="positions", Data=bytes([index]), PartitionKey="k") for index in range(3)]
    shard_id, number = put[0]["ShardId"], put[1]["SequenceNumber"]

    def positions(**start):
        return [record["Data"][0] for record in read("positions", shard_id, **start)]

    assert positions(ShardIteratorType="TRIM_HORIZON") == [0, 1, 2]
    assert positions(ShardIteratorType="LATEST") == []
    assert positions(ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=number) == [1, 2]
    assert positions(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=number) == [2]
    hour_ago = now() - datetime.timedelta(hours=1)
    assert positions(ShardIteratorType="AT_TIMESTAMP", Timestamp=hour_ago) == [0, 1, 2]
    last = read("positions", shard_id, ShardIteratorType="TRIM_HORIZON")[-1]["ApproximateArrivalTimestamp"]
    assert 2 in positions(ShardIteratorType="AT_TIMESTAMP", Timestamp=last)


@check("the paginators of streams and shards")
def _():
    create("pages", shards=5)
    listed = kinesis.get_paginator("list_shards").paginate(StreamName="pages")
    all_shards = [shard["ShardId"] for page in listed for shard in page["Shards"]]
    described = kinesis.get_paginator("describe_stream").paginate(StreamName="pages", PaginationConfig={"PageSize": 2})
    pages = [[shard["ShardId"] for shard in page["StreamDescription"]["Shards"]] for page in described]
    assert [len(page) for page in pages] == [2, 2, 1] and sum(pages, []) == all_shards, pages
    streams = kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 1})
    names = [name for page in streams for name in page["StreamNames"]]
    assert names == sorted(set(names)) and len(names) > 1 and "pages" in names, names


@check("list_shards page by page, where its paginator fails as it does on AWS")
def _():
    create("listed", shards=3)
    first = kinesis.list_shards(StreamName="listed", MaxResults=2)
    second = kinesis.list_shards(NextToken=first["NextToken"], MaxResults=2)
    assert [len(page["Shards"]) for page in (first, second)] == [2, 1] and "NextToken" not in second, second
    # It repeats the name beside the token, which AWS refuses: boto/botocore issue 2009.
    pages = kinesis.get_paginator("list_shards").paginate(StreamName="listed", PaginationConfig={"PageSize": 2})
    error = caught(kinesis.exceptions.InvalidArgumentException, list, pages)
    assert "NextToken and StreamName cannot be provided together" in str(error), error


@check("list_shards with a filter and a stream creation timestamp")
def _():
    create("filtered", shards=2)
    made = kinesis.describe_stream_summary(StreamName="filtered")["StreamDescriptionSummary"]["StreamCreationTimestamp"]
    assert len(shard_ids("filtered", StreamCreationTimestamp=made)) == 2
    assert len(shard_ids("filtered", ShardFilter={"Type": "AT_TIMESTAMP", "Timestamp": now()})) == 2
    assert len(shard_ids("filtered", ShardFilter={"Type": "AT_LATEST"})) == 2


@check("split_shard, merge_shards, and a closed shard that is read to its end")
def _():
    create("resharded")
    (parent,) = shard_ids("resharded")
    kinesis.split_shard(StreamName="resharded", ShardToSplit=parent, NewStartingHashKey=str(2**127))
    settle("resharded")
    iterator = kinesis.get_shard_iterator(StreamName="resharded", ShardId=parent, ShardIteratorType="TRIM_HORIZON")
    end = kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    children = [shard["ShardId"] for shard in end["ChildShards"]]
    assert "NextShardIterator" not in end and len(children) == 2, end
    kinesis.merge_shards(StreamName="resharded", ShardToMerge=children[0], AdjacentShardToMerge=children[1])
    settle("resharded")
    assert len(shard_ids("resharded", ShardFilter={"Type": "AT_LATEST"})) == 1
    assert len(shard_ids("resharded")) == 4


@check("update_shard_count")
def _():
    create("scaled", shards=2)
    answer = kinesis.update_shard_count(StreamName="scaled", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (2, 4), answer
    settle("scaled")
    assert len(shard_ids("scaled", ShardFilter={"Type": "AT_LATEST"})) == 4


@check("tags, by the name of the stream and by its ARN")
def _():
    create("tagged")
    arn = kinesis.describe_stream_summary(StreamName="tagged")["StreamDescriptionSummary"]["StreamARN"]
    kinesis.add_tags_to_stream(StreamName="tagged", Tags={"line": "LH", "hub": "FRA"})
    kinesis.tag_resource(ResourceARN=arn, Tags={"Data": "eA=="})
    kinesis.remove_tags_from_stream(StreamName="tagged", TagKeys=["hub"])
    expected = [{"Key": "Data", "Value": "eA=="}, {"Key": "line", "Value": "LH"}]
    assert kinesis.list_tags_for_stream(StreamName="tagged")["Tags"] == expected
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == expected


@check("errors by the class of the exception")
def _():
    exceptions = kinesis.exceptions
    create("refusals")
    none = caught(exceptions.ResourceNotFoundException, kinesis.describe_stream_summary, StreamName="none")
    assert none.response["ResponseMetadata"]["HTTPStatusCode"] == 400, none.response
    assert none.response["ResponseMetadata"]["RequestId"] != "", none.response
    caught(exceptions.ResourceInUseException, kinesis.create_stream, StreamName="refusals", ShardCount=1)
    caught(exceptions.InvalidArgumentException, kinesis.get_records, ShardIterator="nonsense")
    wrong = {"StreamName": "refusals", "TargetShardCount": 100, "ScalingType": "UNIFORM_SCALING"}
    caught(exceptions.LimitExceededException, kinesis.update_shard_count, **wrong)


@check("ExpiredIteratorException")
def _():
    create("expiring")
    (shard_id,) = shard_ids("expiring")
    iterator = kinesis.get_shard_iterator(StreamName="expiring", ShardId=shard_id, ShardIteratorType="LATEST")
    admin("expire-iterators")
    error = caught(
        kinesis.exceptions.ExpiredIteratorException, kinesis.get_records, ShardIterator=iterator["ShardIterator"]
    )
    assert "Iterator expired" in str(error), error


@check("ProvisionedThroughputExceededException after a page of 10 MB")
def _():
    create("large")
    record = {"Data": b"x" * 1_000_000, "PartitionKey": "k"}
    for _ in range(2):
        assert kinesis.put_records(StreamName="large", Records=[record] * 5)["FailedRecordCount"] == 0
    (shard_id,) = shard_ids("large")
    iterator = kinesis.get_shard_iterator(StreamName="large", ShardId=shard_id, ShardIteratorType="TRIM_HORIZON")
    page = kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    assert [len(record["Data"]) for record in page["Records"]] == [1_000_000] * 10
    caught(
        kinesis.exceptions.ProvisionedThroughputExceededException,
        kinesis.get_records,
        ShardIterator=page["NextShardIterator"],
    )


@check("DynamoDB, create_table, and the waiter for it")
def _():
    dynamodb.create_table(
        TableName="leases",
        AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName="leases", WaiterConfig=FAST)
    dynamodb.put_item(TableName="leases", Item={"leaseKey": {"S": "a"}, "blob": {"B": BYTES}, "counter": {"N": "1"}})
    item = dynamodb.get_item(TableName="leases", Key={"leaseKey": {"S": "a"}}, ConsistentRead=True)["Item"]
    assert item["blob"]["B"] == BYTES, item


def take_lease(**more):
    return dynamodb.update_item(
        TableName="leases",
        Key={"leaseKey": {"S": "a"}},
        UpdateExpression="SET #c = :next",
        ConditionExpression="#c = :seen",
        ExpressionAttributeNames={"#c": "counter"},
        ExpressionAttributeValues={":next": {"N": "2"}, ":seen": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
        **more,
    )


@check("DynamoDB, ConditionalCheckFailedException, with the item if asked for")
def _():
    assert take_lease()["Attributes"] == {"counter": {"N": "2"}}
    failed = dynamodb.exceptions.ConditionalCheckFailedException
    assert "Item" not in caught(failed, take_lease).response
    with_item = caught(failed, take_lease, ReturnValuesOnConditionCheckFailure="ALL_OLD").response
    assert with_item["Item"]["counter"] == {"N": "2"}, with_item
    caught(dynamodb.exceptions.ResourceNotFoundException, dynamodb.describe_table, TableName="none")


@check("DynamoDB, the paginators of scan and query")
def _():
    dynamodb.create_table(
        TableName="stops",
        AttributeDefinitions=[
            {"AttributeName": "flight", "AttributeType": "S"},
            {"AttributeName": "stop", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "flight", "KeyType": "HASH"}, {"AttributeName": "stop", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName="stops", WaiterConfig=FAST)
    for stop in range(5):
        dynamodb.put_item(TableName="stops", Item={"flight": {"S": "LH 400"}, "stop": {"N": str(stop)}})
    query = dynamodb.get_paginator("query").paginate(
        TableName="stops",
        KeyConditionExpression="flight = :f",
        ExpressionAttributeValues={":f": {"S": "LH 400"}},
        PaginationConfig={"PageSize": 2},
    )
    assert [item["stop"]["N"] for page in query for item in page["Items"]] == ["0", "1", "2", "3", "4"]
    scan = dynamodb.get_paginator("scan").paginate(TableName="stops", PaginationConfig={"PageSize": 2})
    assert sorted(item["stop"]["N"] for page in scan for item in page["Items"]) == ["0", "1", "2", "3", "4"]


for name, function in checks:
    try:
        function()
        print(f"ok {name}", flush=True)
    except Exception as problem:  # a check may fail in any way, and the others go on
        message = " ".join(f"{type(problem).__name__}: {problem}".split())
        print(f"FAILED {name}: {message[:600]}", flush=True)
print("end")
sys.exit(0)
