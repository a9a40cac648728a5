export {
  deaggregate,
  type Deaggregated,
  type DeaggregateOptions,
  type DeaggregationCounts,
  type OutOfRange,
} from './deaggregate';
