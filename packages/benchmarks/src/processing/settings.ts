import { parseScenarioSettings, scenarioUsage, type ScenarioSettings } from '../scenario-settings';
import { scenarioNames, type ScenarioName } from './scenario';

export const settingsUsage = scenarioUsage(scenarioNames);

/** @throws UsageError */
export function parseSettings(args: readonly string[]): ScenarioSettings<ScenarioName> {
  return parseScenarioSettings(args, scenarioNames);
}
