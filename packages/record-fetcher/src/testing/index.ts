export { InMemoryKinesisReader, kinesisError, type ReaderCall, type RecordToPut } from './in-memory-kinesis-reader';
