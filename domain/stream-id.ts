/** Lower-case letters, digits and hyphens, 1-40: usable in a host name, a path and an S3 key alike. */
export const STREAM_ID_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
