/** What a bearer token may do. Apart from the routes, so that the authorizer does not carry their schemas. */
export const SCOPES = ['operate', 'issue-tickets'] as const;
export type Scope = (typeof SCOPES)[number];
