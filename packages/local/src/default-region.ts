/** Where the services are unless told otherwise. */
export const defaultRegion = 'us-east-1';
