import type { Tag } from '@aws-sdk/client-kinesis';
import type { CaseContext } from '../case-context';
import { apiPage, casesOf, rule, type Rule } from '../contract-case';
import { given, holds, inUse, invalid, malformed, outcomeOf, overLimit, refused, same } from '../expectations';
import { exceedsRate } from './fixtures';

type Tags = Readonly<Record<string, string>>;

/** The two ways to tag a stream: by its name, and by its ARN as a resource. */
interface Tagging {
  add(context: CaseContext, name: string, tags: Tags): Promise<unknown>;
  remove(context: CaseContext, name: string, keys: readonly string[]): Promise<unknown>;
  list(context: CaseContext, name: string): Promise<Tags>;
}

function asRecord(tags: readonly Tag[] | undefined): Tags {
  return Object.fromEntries(given(tags, 'Tags').map(({ Key: key, Value: value }) => [given(key, 'Key'), value ?? '']));
}

const ofStream: Tagging = {
  add: (context, name, tags) => context.kinesis.addTagsToStream({ StreamName: name, Tags: tags }),
  remove: (context, name, keys) => context.kinesis.removeTagsFromStream({ StreamName: name, TagKeys: [...keys] }),
  list: async (context, name) =>
    asRecord((await context.kinesis.listTagsForStream({ StreamName: name, Limit: 50 })).Tags),
};

const ofResource: Tagging = {
  add: async (context, name, tags) =>
    context.kinesis.tagResource({ ResourceARN: await context.arnOf(name), Tags: tags }),
  remove: async (context, name, keys) =>
    context.kinesis.untagResource({ ResourceARN: await context.arnOf(name), TagKeys: [...keys] }),
  list: async (context, name) =>
    asRecord((await context.kinesis.listTagsForResource({ ResourceARN: await context.arnOf(name) })).Tags),
};

function manyTags(count: number): Tags {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key ${index}`, `value ${index}`]));
}

/** More than a resource may have; the pages name two errors for it. */
const tooMany = [...overLimit, ...invalid];

function addRules(way: Tagging): readonly Rule[] {
  return [
    rule('adds tags', async (context) => {
      const name = await context.stream();
      await way.add(context, name, { team: 'delays', stage: 'test' });
      same('the tags', sorted(await way.list(context, name)), [
        ['stage', 'test'],
        ['team', 'delays'],
      ]);
    }),
    rule('keeps the tags that are there, and overwrites those with the same key', async (context) => {
      const name = await context.stream();
      await way.add(context, name, { team: 'delays', stage: 'test' });
      await way.add(context, name, { stage: 'live', owner: 'ops' });
      same('the tags', sorted(await way.list(context, name)), [
        ['owner', 'ops'],
        ['stage', 'live'],
        ['team', 'delays'],
      ]);
    }),
    rule('takes 50 tags on a stream, and refuses one more', async (context) => {
      const name = await context.stream();
      for (let first = 0; first < 50; first += 10) {
        await way.add(context, name, Object.fromEntries(Object.entries(manyTags(50)).slice(first, first + 10)));
        await context.rest(250);
      }
      await refused(way.add(context, name, { more: '' }), tooMany);
      same('the number of tags', Object.keys(await way.list(context, name)).length, 50);
    }),
    rule('takes a key of 128 and a value of 256 characters, and refuses longer ones', async (context) => {
      const name = await context.stream();
      await way.add(context, name, { ['k'.repeat(128)]: 'v'.repeat(256) });
      await refused(way.add(context, name, { ['k'.repeat(129)]: 'value' }), invalid, 'the key');
      await refused(way.add(context, name, { key: 'v'.repeat(257) }), invalid, 'the value');
    }),
    rule('takes an empty value, and refuses an empty key', async (context) => {
      const name = await context.stream();
      await way.add(context, name, { empty: '' });
      same('the tags', await way.list(context, name), { empty: '' });
      await refused(way.add(context, name, { '': 'value' }), invalid);
    }),
    rule(
      'takes letters of all scripts, digits, white space and _ . / = + - @',
      async (context) => {
        const name = await context.stream();
        const tags = { 'Verspätung 東京 7_./=+-@': 'früh 1_./=+-@' };
        await way.add(context, name, tags);
        same('the tags', await way.list(context, name), tags);
      },
      { page: apiPage('Tag') },
    ),
    rule(
      'refuses other characters',
      async (context) => {
        const name = await context.stream();
        for (const tags of [{ 'team!': 'delays' }, { team: '<delays>' }, { 'te*am': 'delays' }]) {
          await refused(way.add(context, name, tags), invalid, JSON.stringify(tags));
        }
      },
      { page: apiPage('TagResource') },
    ),
    rule('needs Tags, at least one', async (context) => {
      const name = await context.stream();
      await refused(way.add(context, name, malformed(undefined)), invalid, 'no Tags');
      await refused(way.add(context, name, {}), invalid, 'none');
    }),
    rule(
      'answers ResourceInUseException while the stream is CREATING',
      async (context) => {
        await refused(way.add(context, await context.creating(), { team: 'delays' }), inUse);
      },
      { needs: ['states'], page: apiPage('CreateStream') },
    ),
  ];
}

function removeRules(way: Tagging): readonly Rule[] {
  return [
    rule('removes the tags with these keys and no others', async (context) => {
      const name = await context.stream();
      await way.add(context, name, { team: 'delays', stage: 'test', owner: 'ops' });
      await way.remove(context, name, ['team', 'owner']);
      same('the tags', await way.list(context, name), { stage: 'test' });
    }),
    rule('needs TagKeys, from 1 to 50', async (context) => {
      const name = await context.stream();
      await refused(way.remove(context, name, []), invalid, 'none');
      await refused(way.remove(context, name, Object.keys(manyTags(51))), invalid, '51 keys');
      same('50 keys', await outcomeOf(way.remove(context, name, Object.keys(manyTags(50)))), 'accepted');
    }),
    rule('refuses a key that is empty or longer than 128 characters', async (context) => {
      const name = await context.stream();
      await refused(way.remove(context, name, ['']), invalid, 'an empty key');
      await refused(way.remove(context, name, ['k'.repeat(129)]), invalid, '129 characters');
    }),
    rule(
      'answers ResourceInUseException while the stream is CREATING',
      async (context) => {
        await refused(way.remove(context, await context.creating(), ['team']), inUse);
      },
      { needs: ['states'], page: apiPage('CreateStream') },
    ),
  ];
}

function listRules(way: Tagging, other: Tagging): readonly Rule[] {
  return [
    rule('lists no tags where there are none', async (context) => {
      same('the tags', await way.list(context, await context.sharedStream()), {});
    }),
    rule('lists the tags that were set the other way, by name or by ARN', async (context) => {
      const name = await context.stream();
      await other.add(context, name, { team: 'delays' });
      same('the tags', await way.list(context, name), { team: 'delays' });
    }),
  ];
}

function sorted(tags: Tags): readonly (readonly [string, string])[] {
  return Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
}

const ratedPerSecond = { perSecond: 5, name: overLimit[0] };
const rateRule = 'answers LimitExceededException to more than 5 calls per second';

export const tagCases = [
  ...casesOf('AddTagsToStream', [
    ...addRules(ofStream),
    rule(rateRule, async (context) => {
      const name = await context.stream();
      await exceedsRate(() => ofStream.add(context, name, { team: 'delays' }), ratedPerSecond);
    }),
  ]),
  ...casesOf('RemoveTagsFromStream', [
    ...removeRules(ofStream),
    rule('ignores keys that no tag has', async (context) => {
      same('the call', await outcomeOf(ofStream.remove(context, await context.stream(), ['nothing'])), 'accepted');
    }),
    rule(rateRule, async (context) => {
      const name = await context.stream();
      await exceedsRate(() => ofStream.remove(context, name, ['team']), ratedPerSecond);
    }),
  ]),
  ...casesOf('ListTagsForStream', [
    ...listRules(ofStream, ofResource),
    rule('returns at most Limit tags, and goes on after ExclusiveStartTagKey', async (context) => {
      const name = await context.stream();
      await ofStream.add(context, name, manyTags(5));
      const found: string[] = [];
      for (let more = true; more;) {
        const start = found.length === 0 ? {} : { ExclusiveStartTagKey: found.at(-1) };
        const page = await context.patiently(() =>
          context.kinesis.listTagsForStream({ StreamName: name, Limit: 2, ...start }),
        );
        const keys = Object.keys(asRecord(page.Tags));
        holds(keys.length > 0 && keys.length <= 2, `a page of ${keys.length} tags`);
        found.push(...keys);
        more = given(page.HasMoreTags, 'HasMoreTags');
      }
      same('the keys', found.sort(), Object.keys(manyTags(5)));
    }),
    rule('refuses a Limit below 1 or above 50', async (context) => {
      const name = await context.sharedStream();
      for (const limit of [0, -1, 51]) {
        await refused(context.kinesis.listTagsForStream({ StreamName: name, Limit: limit }), invalid, `Limit ${limit}`);
      }
    }),
    rule('refuses an ExclusiveStartTagKey that is empty or longer than 128 characters', async (context) => {
      const name = await context.sharedStream();
      for (const key of ['', 'k'.repeat(129)]) {
        const call = { StreamName: name, ExclusiveStartTagKey: key };
        await refused(context.kinesis.listTagsForStream(call), invalid, `${key.length} characters`);
      }
    }),
    rule(rateRule, async (context) => {
      const name = await context.sharedStream();
      await exceedsRate(() => context.kinesis.listTagsForStream({ StreamName: name }), ratedPerSecond);
    }),
  ]),
  ...casesOf('TagResource', addRules(ofResource)),
  ...casesOf('UntagResource', removeRules(ofResource)),
  ...casesOf('ListTagsForResource', listRules(ofResource, ofStream)),
];
