import type { Socket } from 'node:net';

/** The parser has 52 kB to spare for one piece, and for 100 bytes of each connection of the process. As much as TLS gives at a time. */
const mostBytes = 16 * 1024;

/**
 * Has `read()` of this socket give 16 kB at a time at the most; undici calls it until there is nothing left. Without this it gives all that has come,
 * which on connections without TLS is 64 kB and more.
 *
 * undici copies what it reads to the memory of its parser, which is WebAssembly, and has that memory grow for a larger piece. That detaches
 * the memory's `ArrayBuffer`, and from the first buffer that is detached on V8 asks at each access to bytes, in the whole thread, whether
 * theirs was: loops over bytes take 1.7 times as long, those of Millrace and those of the user's code (measured, decision 0029). With TLS nothing
 * changes: its pieces are no larger by themselves.
 */
export function useSmallReads(socket: Socket): void {
  const read = socket.read.bind(socket) as (size?: number) => unknown;
  socket.read = (size?: number) =>
    size === undefined && socket.readableLength > mostBytes ? read(mostBytes) : read(size);
}
