/** All figures of a row of the `reading` bench, where none applies. */
export const nothing = {
  recordsPerSecond: null,
  callsPerSecond: null,
  cpuMicrosPerCall: null,
  cpuMicrosPerRecord: null,
  ratioToBareSdk: null,
  cpuRatioToBareSdk: null,
  processCores: null,
  busyShare: null,
  cores: null,
  renewalCores: null,
  rssMegabytes: null,
  connections: null,
};
