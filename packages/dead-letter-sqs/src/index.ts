export { sqsDeadLetters, type SqsDeadLetterOptions } from './sqs-dead-letters';
export { parseDeadLetterMessage, type DeadLetterMessage } from './dead-letter-message';
