export { simulate, type SimulationOptions, type SimulationResult } from './simulation';
export { faultKinds, type FaultKind } from './fault-kinds';
export type { Weather } from './fleet-settings';
export type { Guarantee, Violation } from './violation';
export { steadyRun, type SteadyOptions, type SteadyResult } from './steady-run';
export type { Cost, Purpose } from './cost-meter';
