export { ManualClock, settle } from './manual-clock';
export { seededRandom } from './seeded-random';
export { RecordingLogger, type LogLine } from './recording-logger';
export { aLease } from './lease-builder';
