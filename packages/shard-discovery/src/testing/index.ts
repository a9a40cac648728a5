export { FakeShardLister } from './fake-shard-lister';
