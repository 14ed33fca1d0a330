/** Names of the secrets that an environment is set up with, below its prefix. Their form is in README.md. */
export const TOKENS_SECRET = 'control/tokens';
export const TICKET_KEYS_SECRET = 'control/ticket-keys';
