declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** The parts of dynalite that these tests use; it brings no types. */
  export default function dynalite(options: {
    createTableMs: number;
    deleteTableMs: number;
    updateTableMs: number;
  }): Server;
}
