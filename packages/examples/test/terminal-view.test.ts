import { describe, expect, it } from '@jest/globals';
import { picture, PlainView, ScreenView, type Scene } from '../src/demo/terminal-view';

const scene: Scene = {
  seconds: 12.34,
  produced: 5000,
  total: 20_000,
  delivered: 4990,
  duplicates: 7,
  shards: [
    {
      shardId: 'shardId-000000000002',
      parentShardIds: ['shardId-000000000000', 'shardId-000000000001'],
      state: 'open',
      ownerPid: 4711,
      checkpoint: '49001795384711000000000000888800179538471300000000020002',
      lag: 3,
      flights: 990,
    },
    {
      shardId: 'shardId-000000000000',
      parentShardIds: [],
      state: 'finished',
      ownerPid: undefined,
      checkpoint: 'SHARD_END',
      lag: 0,
      flights: 4000,
    },
  ],
  workers: [
    { name: 'A', pid: 4711, state: 'running', deliveryLog: '' },
    { name: 'B', pid: 4712, state: 'killed', deliveryLog: '' },
  ],
};

describe('picture', () => {
  it('shows progress, shards, workers and what happened', () => {
    expect(picture(scene, ['something happened'], { width: 80, height: 24 })).toEqual([
      '',
      '███████░░░░░░░░░░░░░░░░░░░░  25 %   5000 of 20000 put,  4990 delivered, 7 again',
      '',
      'shard  parents  state     owner  lag  checkpoint  flights',
      '2      0+1      open      A      3    …00008888…  990',
      '0      -        finished  -      0    SHARD_END   4000',
      '',
      'worker  pid   state    leases',
      'A       4711  running  1',
      'B       4712  killed   0',
      '',
      'something happened',
    ]);
  });

  it('fits into the terminal, with the latest happenings', () => {
    const happenings = Array.from({ length: 30 }, (_, index) => `happening ${index} ${'.'.repeat(100)}`);
    const lines = picture(scene, happenings, { width: 60, height: 15 });
    expect(lines).toHaveLength(15);
    expect(lines.at(-1)).toMatch(/^happening 29 /);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(60);
  });
});

describe('ScreenView', () => {
  it('draws each picture over the one before', () => {
    const written: string[] = [];
    const view = new ScreenView({ columns: 80, rows: 24, write: (text) => written.push(text) });
    view.show(scene);
    view.show(scene);
    const height = (written[1] ?? '').split('\n').length - 1;
    expect(written[2]?.startsWith(`\x1b[${height}A`)).toBe(true);
  });
});

describe('PlainView', () => {
  it('writes a line for every happening, and the state of things every two seconds', () => {
    const lines: string[] = [];
    const view = new PlainView((line) => lines.push(line));
    for (const seconds of [0, 1, 2, 3]) view.show({ ...scene, seconds });
    view.happened(3.21, 'something happened');
    expect(lines).toEqual([
      '  0.0 s     25 % in the stream, 4990 delivered, lag 3 records; shards: 1 open, 1 finished; workers: A',
      '  2.0 s     25 % in the stream, 4990 delivered, lag 3 records; shards: 1 open, 1 finished; workers: A',
      '  3.2 s  something happened',
    ]);
  });
});
