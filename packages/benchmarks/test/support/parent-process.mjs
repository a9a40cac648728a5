// Starts a server as its child on the built package, says where that is, and does nothing more.
import { createRequire } from 'node:module';

const { ServerProcess } = createRequire(import.meta.url)(process.env.SERVER_PROCESS);
const server = await ServerProcess.start({ path: process.env.SERVER_SCRIPT }, new AbortController().signal);
process.send(server.ready);
