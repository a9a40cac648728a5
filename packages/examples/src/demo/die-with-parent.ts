// Loaded into every worker process of the demo before the program itself: if the demo is killed so hard that it can't
// stop its workers, the channel to it closes, and none of them stays behind.
process.once('disconnect', () => process.exit(1));
// The channel must not keep a worker alive that is done.
process.channel?.unref();
