import { describe, expect, it } from '@jest/globals';
import { Fixture, noControlPlaneRates, refusal, stream, streamArn, transitionMs } from './engine-fixture';

const make = (): Fixture => new Fixture({ limits: noControlPlaneRates });
const numbered = (count: number, from = 0): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${from + index}`, 'v']));

/** The two ways to name a stream, for the same three things. */
const ways = [
  ['by stream', 'AddTagsToStream', 'RemoveTagsFromStream', stream],
  ['by resource', 'TagResource', 'UntagResource', { ResourceARN: streamArn }],
] as const;

function tagsOf(fixture: Fixture): Record<string, string> {
  const byStream = fixture.engine.handle('ListTagsForStream', stream).Tags;
  expect(fixture.engine.handle('ListTagsForResource', { ResourceARN: streamArn }).Tags).toEqual(byStream);
  return Object.fromEntries(byStream.map(({ Key, Value }) => [Key, Value]));
}

describe.each(ways)('tags %s', (_, add, remove, target) => {
  it('are added, overwritten and removed; those that are not there are ignored', () => {
    const fixture = make();
    fixture.engine.dispatch(add, { ...target, Tags: { team: 'ops', cost: '1' } });
    fixture.engine.dispatch(add, { ...target, Tags: { cost: '2', empty: '' } });
    expect(tagsOf(fixture)).toEqual({ team: 'ops', cost: '2', empty: '' });
    fixture.engine.dispatch(remove, { ...target, TagKeys: ['cost', 'unheard-of'] });
    expect(tagsOf(fixture)).toEqual({ team: 'ops', empty: '' });
  });

  it('are fifty at most, those that were there included', () => {
    const fixture = make();
    const tag = (Tags: object) => (): unknown => fixture.engine.dispatch(add, { ...target, Tags });
    expect(refusal(tag(numbered(50)))).toBeUndefined();
    expect(tag({ another: '' })).toThrow(
      'Failed to add tags to stream flights under account 000000000000 because a given stream cannot have more than ' +
        '50 tags associated with it.',
    );
    expect(refusal(tag({ another: '' }))).toBe('InvalidArgumentException');
    expect(refusal(tag({ 'key-0': 'changed' }))).toBeUndefined();
    expect(Object.keys(tagsOf(fixture))).toHaveLength(50);
  });

  it('have keys of 1 to 128 characters and values of up to 256', () => {
    const { engine } = make();
    const tag = (key: string, value: string): string | undefined =>
      refusal(() => engine.dispatch(add, { ...target, Tags: { [key]: value } }));
    expect(tag('k'.repeat(128), 'v'.repeat(256))).toBeUndefined();
    expect(tag('k'.repeat(129), '')).toBe('ValidationException');
    expect(tag('k', 'v'.repeat(257))).toBe('ValidationException');
    expect(tag('', 'v')).toBe('ValidationException');
    const untag = (TagKeys: unknown): string | undefined =>
      refusal(() => engine.dispatch(remove, { ...target, TagKeys }));
    expect(untag([])).toBe('ValidationException');
    expect(untag(Object.keys(numbered(51)))).toBe('ValidationException');
    expect(untag(Object.keys(numbered(50)))).toBeUndefined();
    expect(untag(['k'.repeat(129)])).toBe('ValidationException');
    expect(untag([5])).toBe('SerializationException');
    expect(untag('k')).toBe('SerializationException');
  });

  it('take letters of any alphabet and a few signs, and not the prefix of AWS', () => {
    const fixture = make();
    const tag = (key: string, value = ''): string | undefined =>
      refusal(() => fixture.engine.dispatch(add, { ...target, Tags: { [key]: value } }));
    expect(tag('größe _.:/=+-@ 5', 'значение')).toBeUndefined();
    for (const bad of ['a\n', 'a;', 'a%', 'a*', '\u0000']) {
      expect(tag(bad)).toBe('InvalidArgumentException');
      expect(tag('key', bad)).toBe('InvalidArgumentException');
    }
    for (const reserved of ['aws:', 'aws:x', 'AWS:x']) {
      expect(tag(reserved)).toBe('InvalidArgumentException');
      expect(refusal(() => fixture.engine.dispatch(remove, { ...target, TagKeys: [reserved] }))).toBe(
        'InvalidArgumentException',
      );
    }
    expect(tag('laws:x', 'aws:x')).toBeUndefined();
    expect(Object.keys(tagsOf(fixture))).toHaveLength(2);
  });

  it('are refused as a whole, for a map of the wrong kind, and for a stream in use', () => {
    const fixture = make();
    const tag = (Tags: unknown) => (): unknown => fixture.engine.dispatch(add, { ...target, Tags });
    expect(refusal(tag({ good: '', 'b;d': '' }))).toBe('InvalidArgumentException');
    expect(tagsOf(fixture)).toEqual({});
    expect(refusal(tag(['a']))).toBe('SerializationException');
    expect(refusal(tag({ a: 5 }))).toBe('SerializationException');
    expect(refusal(tag(undefined))).toBe('ValidationException');
    expect(refusal(tag({}))).toBe('ValidationException');
    expect(refusal(tag(numbered(201)))).toBe('ValidationException');
    fixture.engine.handle('DeleteStream', stream);
    expect(refusal(tag({ a: '' }))).toBe('ResourceInUseException');
    expect(refusal(() => fixture.engine.dispatch(remove, { ...target, TagKeys: ['a'] }))).toBe(
      'ResourceInUseException',
    );
  });
});

describe('tags', () => {
  it('are listed in the order of their keys, page by page', () => {
    const { engine } = make();
    engine.handle('AddTagsToStream', { ...stream, Tags: { b: '2', d: '4', a: '1', c: '3' } });
    const first = engine.handle('ListTagsForStream', { ...stream, Limit: 3 });
    expect(first).toEqual({
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '2' },
        { Key: 'c', Value: '3' },
      ],
      HasMoreTags: true,
    });
    const rest = engine.handle('ListTagsForStream', { ...stream, Limit: 1, ExclusiveStartTagKey: 'c' });
    expect(rest).toEqual({ Tags: [{ Key: 'd', Value: '4' }], HasMoreTags: false });
    expect(refusal(() => engine.handle('ListTagsForStream', { ...stream, Limit: 51 }))).toBe('ValidationException');
  });

  it('may be given to CreateStream, and go with the stream', async () => {
    const fixture = make();
    const other = { StreamName: 'other', ShardCount: 1 };
    const create = (Tags: Record<string, string>) => (): unknown =>
      fixture.engine.handle('CreateStream', { ...other, Tags });
    expect(refusal(create(numbered(51)))).toBe('InvalidArgumentException');
    expect(refusal(create({ 'aws:x': '' }))).toBe('InvalidArgumentException');
    expect(refusal(create({}))).toBe('ValidationException');
    expect(refusal(create({ team: 'ops' }))).toBeUndefined();
    const list = (): unknown => fixture.engine.handle('ListTagsForStream', { StreamName: 'other' }).Tags;
    expect(list()).toEqual([{ Key: 'team', Value: 'ops' }]);
    await fixture.clock.advance(transitionMs);
    fixture.engine.handle('DeleteStream', { StreamName: 'other', EnforceConsumerDeletion: true });
    await fixture.clock.advance(transitionMs);
    fixture.engine.handle('CreateStream', other);
    expect(list()).toEqual([]);
  });

  it('belong to streams only: the ARN of a consumer names nothing here', () => {
    const { engine } = make();
    const ResourceARN = `${streamArn}/consumer/app:1700000000`;
    expect(refusal(() => engine.handle('TagResource', { ResourceARN, Tags: { a: '' } }))).toBe(
      'ResourceNotFoundException',
    );
    expect(refusal(() => engine.handle('ListTagsForResource', { ResourceARN: 'flights' }))).toBe('ValidationException');
  });
});
