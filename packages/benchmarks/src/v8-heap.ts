/**
 * What V8 takes by itself where a process has 2 GB of memory, as in a container with that limit. Where there are 4 GB its limit is 2 GB: it lets
 * its heap grow up to fourfold then before it collects all garbage, and most of what a process has that waits is garbage. NODE_OPTIONS can have
 * both.
 */
export const heapOf1Gb: readonly string[] = ['--max-old-space-size=1024', '--max-semi-space-size=8'];
