// The AWS SDK for Go 2 against the embedded Kinesis and DynamoDB: a line per check, see support/tool.mjs for the protocol.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const shard = "shardId-000000000000"

var (
	ctx    = context.Background()
	stream = aws.String("flights")

	// Nothing is retried, so that nothing is hidden.
	streams = kinesis.New(kinesis.Options{
		BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_KINESIS")),
		Region:       "us-east-1", Credentials: credentials, Retryer: aws.NopRetryer{},
	})
	tables = dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")),
		Region:       "us-east-1", Credentials: credentials, Retryer: aws.NopRetryer{},
	})
	credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	})
)

func main() {
	check("create a stream, and the waiter for it", createStream)
	check("put and get carry every byte", putAndGet)
	check("GetShardIterator AT_TIMESTAMP, and ListShards with the filter AT_TIMESTAMP", timestamps)
	check("errors by their type", errorTypes)
	check("DynamoDB, a condition that fails", condition)
	fmt.Println("end")
}

func check(name string, run func() error) {
	if problem := run(); problem != nil {
		fmt.Printf("FAILED %s: %s\n", name, strings.ReplaceAll(problem.Error(), "\n", " "))
		return
	}
	fmt.Println("ok " + name)
}

func createStream() error {
	_, err := streams.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(1)})
	if err != nil {
		return err
	}
	input := &kinesis.DescribeStreamInput{StreamName: stream}
	waiter := kinesis.NewStreamExistsWaiter(streams, func(options *kinesis.StreamExistsWaiterOptions) {
		options.MinDelay = 50 * time.Millisecond
	})
	return waiter.Wait(ctx, input, 30*time.Second)
}

func read(input *kinesis.GetShardIteratorInput) ([]types.Record, error) {
	input.StreamName, input.ShardId = stream, aws.String(shard)
	iterator, err := streams.GetShardIterator(ctx, input)
	if err != nil {
		return nil, err
	}
	page, err := streams.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	if err != nil {
		return nil, err
	}
	return page.Records, nil
}

func putAndGet() error {
	data := make([]byte, 256)
	for index := range data {
		data[index] = byte(index)
	}
	put, err := streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: aws.String("ü"), Data: data})
	if err != nil {
		return err
	}
	records, err := read(&kinesis.GetShardIteratorInput{
		ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: put.SequenceNumber,
	})
	if err != nil {
		return err
	}
	if len(records) != 1 || !bytes.Equal(records[0].Data, data) || *records[0].PartitionKey != "ü" {
		return fmt.Errorf("got %v", records)
	}
	if age := time.Since(*records[0].ApproximateArrivalTimestamp); age.Abs() > time.Minute {
		return fmt.Errorf("arrived %v ago", age)
	}
	return nil
}

func timestamps() error {
	hourAgo := time.Now().Add(-time.Hour)
	records, err := read(&kinesis.GetShardIteratorInput{
		ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &hourAgo,
	})
	if err != nil {
		return err
	}
	if len(records) != 1 {
		return fmt.Errorf("got %d records", len(records))
	}
	described, err := streams.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: stream})
	if err != nil {
		return err
	}
	listed, err := streams.ListShards(ctx, &kinesis.ListShardsInput{
		StreamName:              stream,
		StreamCreationTimestamp: described.StreamDescriptionSummary.StreamCreationTimestamp,
		ShardFilter:             &types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: aws.Time(time.Now())},
	})
	if err != nil {
		return err
	}
	if len(listed.Shards) != 1 {
		return fmt.Errorf("listed %d shards", len(listed.Shards))
	}
	return nil
}

func errorTypes() error {
	_, err := streams.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("none")})
	if notFound := (*types.ResourceNotFoundException)(nil); !errors.As(err, &notFound) {
		return fmt.Errorf("no ResourceNotFoundException: %v", err)
	}
	iterator, err := streams.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: stream, ShardId: aws.String(shard), ShardIteratorType: types.ShardIteratorTypeLatest,
	})
	if err != nil {
		return err
	}
	answer, err := http.Post(os.Getenv("AWS_ENDPOINT_URL_KINESIS")+"/_millrace/expire-iterators", "application/json", nil)
	if err != nil {
		return err
	}
	answer.Body.Close()
	_, err = streams.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	expired := (*types.ExpiredIteratorException)(nil)
	if !errors.As(err, &expired) || !strings.HasPrefix(expired.ErrorMessage(), "Iterator expired") {
		return fmt.Errorf("no ExpiredIteratorException: %v", err)
	}
	return nil
}

func condition() error {
	table, key := aws.String("leases"), aws.String("leaseKey")
	_, err := tables.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: table, BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{
			{AttributeName: key, AttributeType: dynamodbtypes.ScalarAttributeTypeS},
		},
		KeySchema: []dynamodbtypes.KeySchemaElement{{AttributeName: key, KeyType: dynamodbtypes.KeyTypeHash}},
	})
	if err != nil {
		return err
	}
	put := &dynamodb.PutItemInput{
		TableName: table, ConditionExpression: aws.String("attribute_not_exists(leaseKey)"),
		Item:                                map[string]dynamodbtypes.AttributeValue{*key: &dynamodbtypes.AttributeValueMemberS{Value: "a"}},
		ReturnValuesOnConditionCheckFailure: dynamodbtypes.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if _, err = tables.PutItem(ctx, put); err != nil {
		return err
	}
	_, err = tables.PutItem(ctx, put)
	failed := (*dynamodbtypes.ConditionalCheckFailedException)(nil)
	if !errors.As(err, &failed) || len(failed.Item) != 1 {
		return fmt.Errorf("no ConditionalCheckFailedException with an item: %v", err)
	}
	return nil
}
