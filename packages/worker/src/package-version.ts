/** As in package.json; the structure test compares them. Part of the user agent, so that CloudTrail shows it. */
export const packageVersion = '0.1.0';
