import type { Account } from './account';
import type { Input } from './input';
import type { OperationOutput, Tag } from './operation-types';
import { invalidArgument, type KinesisServiceError } from './service-error';
import type { Stream } from './stream';

export type Tags = ReadonlyMap<string, string>;

const keyRule = { minLength: 1, maxLength: 128 };
const tagsRule = { minEntries: 1, maxEntries: 200, key: keyRule, value: { maxLength: 256 } };
const reservedPrefix = 'aws:';

/** With "%", which AWS takes for a valid character and refuses all the same, with another message. */
const allowedText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@%]*$/u;

export function addTagsToStream(account: Account, input: Input): OperationOutput<'AddTagsToStream'> {
  const tags = input.textMap('Tags', tagsRule);
  return addTags(account, account.activeStreamOf(input), tags);
}

export function tagResource(account: Account, input: Input): OperationOutput<'TagResource'> {
  const tags = input.textMap('Tags', tagsRule);
  return addTags(account, account.assertActive(account.streamByArn(input, 'ResourceARN')), tags);
}

export function removeTagsFromStream(account: Account, input: Input): OperationOutput<'RemoveTagsFromStream'> {
  const keys = input.texts('TagKeys', { min: 1, max: 50 }, keyRule);
  return removeTags(account, account.activeStreamOf(input), keys);
}

export function untagResource(account: Account, input: Input): OperationOutput<'UntagResource'> {
  const keys = input.texts('TagKeys', { min: 1, max: 50 }, keyRule);
  return removeTags(account, account.assertActive(account.streamByArn(input, 'ResourceARN')), keys);
}

export function listTagsForStream(account: Account, input: Input): OperationOutput<'ListTagsForStream'> {
  const limit = input.optionalInteger('Limit', { min: 1, max: 50 }) ?? 50;
  const after = input.optionalText('ExclusiveStartTagKey', keyRule) ?? '';
  const tags = wireTags(account.streamOf(input)).filter(({ Key }) => Key > after);
  return { Tags: tags.slice(0, limit), HasMoreTags: tags.length > limit };
}

export function listTagsForResource(account: Account, input: Input): OperationOutput<'ListTagsForResource'> {
  return { Tags: wireTags(account.streamByArn(input, 'ResourceARN')) };
}

/** The tags that a new stream is to have. */
export function readInitialTags(account: Account, input: Input, streamName: string): Tags {
  const tags = input.optionalTextMap('Tags', tagsRule) ?? new Map<string, string>();
  assertTags(account, streamName, tags, tags.size);
  return tags;
}

function addTags(account: Account, stream: Stream, tags: Tags): Record<string, never> {
  assertTags(account, stream.name, tags, new Set([...stream.tags.keys(), ...tags.keys()]).size);
  for (const [key, value] of tags) stream.tags.set(key, value);
  return {};
}

function assertTags(account: Account, streamName: string, tags: Tags, countAfterwards: number): void {
  const refuse = (why: string): KinesisServiceError =>
    invalidArgument(`Failed to add tags to stream ${streamName} under account ${account.id} because ${why}`);
  assertTexts([...tags.keys(), ...tags.values()], refuse);
  if ([...tags.keys()].some(isReserved)) throw refuse(`tag keys must not begin with ${reservedPrefix}`);
  const { tagsPerStream } = account.limits;
  if (countAfterwards > tagsPerStream) {
    throw refuse(`a given stream cannot have more than ${tagsPerStream} tags associated with it.`);
  }
}

function removeTags(account: Account, stream: Stream, keys: readonly string[]): Record<string, never> {
  const refuse = (why: string): KinesisServiceError =>
    invalidArgument(`Failed to remove tags from stream ${stream.name} under account ${account.id} because ${why}`);
  assertTexts(keys, refuse);
  if (keys.some(isReserved)) throw refuse(`tag keys must not begin with ${reservedPrefix}`);
  for (const key of keys) stream.tags.delete(key);
  return {};
}

function assertTexts(texts: readonly string[], refuse: (why: string) => KinesisServiceError): void {
  if (!texts.every((text) => allowedText.test(text))) {
    throw invalidArgument(
      'Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @ :.',
    );
  }
  if (texts.some((text) => text.includes('%'))) {
    throw refuse(
      'some tags contained illegal characters. The allowed characters are ' +
        "Unicode letters, white-spaces, '_',',','/','=','+','-','@',':'.",
    );
  }
}

function isReserved(key: string): boolean {
  return key.toLowerCase().startsWith(reservedPrefix);
}

function wireTags(stream: Stream): readonly Tag[] {
  return [...stream.tags].map(([Key, Value]) => ({ Key, Value })).sort((a, b) => (a.Key < b.Key ? -1 : 1));
}
