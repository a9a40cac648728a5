/**
 * With a limit of 2 GB or more, which it takes by itself where there are 4 GB of memory, V8 lets its heap grow up to fourfold before it collects
 * all garbage, and most of what a process has that waits is garbage. Both can be given by NODE_OPTIONS.
 */
export const heapOf1Gb: readonly string[] = ['--max-old-space-size=1024', '--max-semi-space-size=8'];
