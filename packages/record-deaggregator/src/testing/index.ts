export { aggregate, envelope, type RecordToAggregate } from './aggregate';
