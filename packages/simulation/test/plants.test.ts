import { describe, expect, it } from '@jest/globals';
import type { Guarantee } from '../src';
import { compiled, plantedSource, sourceOf } from '../src/plants/planted-source';
import { findPlant, plants } from '../src/plants/plants';
import { searchPlant } from '../src/plants/search-plant';

describe('the plants', () => {
  it('have names of their own, in kebab-case, and say what they break in a sentence', () => {
    const names = plants.map(({ name }) => name);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    expect(names.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name))).toEqual([]);
    expect(plants.filter(({ what }) => !/^\p{Lu}.{15,}\.$/u.test(what))).toEqual([]);
  });

  it('change what is done: each stands for text that its source has exactly once', () => {
    const asItIs = new Map<string, string>();
    for (const plant of plants) {
      const { file } = plant;
      const code = asItIs.get(file) ?? compiled(sourceOf(plant));
      asItIs.set(file, code);
      expect({ plant: plant.name, changes: compiled(plantedSource(plant)) !== code }).toEqual({
        ...{ plant: plant.name, changes: true },
      });
    }
  });

  it('are refused where they find no place, or two', () => {
    const plant = findPlant('take-any-counter');
    expect(() => plantedSource({ ...plant, find: 'no such text' })).toThrow(/take-any-counter.*exactly once/);
    expect(() => plantedSource({ ...plant, find: ';' })).toThrow(/exactly once/);
    expect(() => findPlant('weeds')).toThrow(/no plant weeds/);
  });
});

const seeds = 8;

/** Some that are found within so many seeds, from which one on, and what they break first. docs/planted-bugs.md has all. */
const found: readonly (readonly [plant: string, firstSeed: number, ...guarantees: readonly Guarantee[]])[] = [
  ['take-counter-stays', 1, 'G3'],
  ['adopt-keeps-handed-over', 1, 'G4'],
  ['request-counter-moves', 1, 'G3'],
  ['no-deadline-check', 30, 'G4'],
  ['expires-after-half', 1, 'G4'],
  ['no-parent-wait', 1, 'G2'],
  ['read-from-the-tip', 1, 'G1'],
  ['read-after-the-record', 1, 'G1'],
  ['store-what-was-delivered', 1, 'G7'],
  ['shard-end-early', 1, 'G2', 'G3', 'G7'],
  ['stop-without-draining', 1, 'worker', 'G6'],
];

describe('the simulation', () => {
  it.each(found)('finds %s', async (name, firstSeed, ...guarantees) => {
    const finding = await searchPlant(findPlant(name), { firstSeed, seeds }, 1);
    expect(finding).toEqual({ ...finding, seed: expect.any(Number), guarantee: expect.any(String) });
    expect(guarantees).toContain(finding.guarantee);
  });

  it('names the first of the seeds that fail, however many threads there are', async () => {
    const finding = await searchPlant(findPlant('create-over'), { firstSeed: 1, seeds: 3 }, 3);
    expect(finding).toMatchObject({ plant: 'create-over', seed: 1, guarantee: 'G3' });
  });
});
