export { sqsDeadLetters, type SqsDeadLetterOptions } from './sqs-dead-letters';
export { parseDeadLetterMessage, type DeadLetterMessage, type ErrorText } from './dead-letter-message';
