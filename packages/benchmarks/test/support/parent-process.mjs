// Starts a server as its child on the built package, says where that is, and ends with its own parent.
import { createRequire } from 'node:module';

// Else it would outlive a test that was killed.
process.once('disconnect', () => process.exit(0));
const { ServerProcess } = createRequire(import.meta.url)(process.env.SERVER_PROCESS);
const server = await ServerProcess.start({ path: process.env.SERVER_SCRIPT }, new AbortController().signal);
process.send(server.ready);
